"""`controlplane`: reads the command line and hands over to the command's own file, the only one that is imported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from importlib import import_module

from controlplane.kit import completion
from controlplane.kit.explained import Explained

# Each is a module of this package with `add_parser(commands)`, which sets `run` of what it parses.
COMMANDS: Mapping[str, str] = {
    "init": "init",
    "token": "token",
    "certs": "certs",
    "kubeconfig": "kubeconfig",
    "backup": "backup",
    "restore": "restore",
    "reset": "reset",
    "apiserver": "apiserver",
    "controller-manager": "controller_manager",
    "scheduler": "scheduler",
    "store": "store",
}

_EPILOG = """examples:
  controlplane init --apiserver-advertise-address 192.168.56.10
  controlplane token create --print-join-command
  controlplane apiserver --config /etc/sampan/apiserver.yaml
"""


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="controlplane",
        description="Runs and looks after the control plane of a Kubernetes cluster.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = given[0] if given and given[0] in COMMANDS else ""
    for name, module in COMMANDS.items():
        if wanted in ("", name):  # a server should not wait for the imports of its siblings
            import_module(f"controlplane.cmd.{module}").add_parser(commands)
    completion.add_parser(commands, parser)
    options = parser.parse_args(given)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        return 130
    except Explained as error:
        print(f"controlplane {options.command}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
