"""`nodeagent`: reads the command line and hands over to the command's own file."""

from __future__ import annotations

import argparse
import sys

from controlplane.kit import completion
from controlplane.kit.explained import Explained
from nodeagent.cmd.join import add_parser as add_join
from nodeagent.cmd.proxy import add_parser as add_proxy
from nodeagent.cmd.reset import add_parser as add_reset
from nodeagent.cmd.run import add_parser as add_run

_EPILOG = """examples:
  nodeagent join 192.168.56.10:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:…
  nodeagent run --config /etc/sampan/nodeagent.yaml
  nodeagent reset
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="nodeagent",
        description="Runs this machine as a node of a Kubernetes cluster.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add_parser in (add_join, add_run, add_reset, add_proxy):
        add_parser(commands)
    completion.add_parser(commands, parser)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        return 130
    except Explained as error:
        print(f"nodeagent {options.command}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
