"""`nodeagent run`: reads the settings and runs the agent until systemd says stop. Pods outlive it."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from nodeagent.cmd.config import CONFIG_FILE, load

log = logging.getLogger(__name__)

_EPILOG = """example:
  nodeagent run --config /etc/sampan/nodeagent.yaml
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="be a node: what sampan-nodeagent.service runs",
        description="Registers this node, runs its pods, its part of the pod network, its Service rules and its DNS.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=CONFIG_FILE, help=f"default: {CONFIG_FILE}")
    parser.add_argument("--v", type=int, default=None, help="log verbosity; overrides the file's")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    # The rooms are imported only here: `nodeagent --help` and the other commands do without most of them.
    from controlplane.kit import logs
    from controlplane.kit.run import run as run_process
    from nodeagent.cmd.agent import run_agent
    from nodeagent.cmd.preflight import fix_sysctls

    config = load(options.config)
    logs.set_up(config.v if options.v is None else options.v)
    for change in fix_sysctls():
        log.info("set %s", change)
    return run_process(lambda: run_agent(config))
