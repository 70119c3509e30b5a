"""`controlplane kubeconfig user`: a kubeconfig for somebody, with a client certificate inside."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from controlplane.kit.clock import SystemClock
from controlplane.kit.explained import Explained

_EPILOG = """examples:
  controlplane kubeconfig user --client-name jane > jane.conf
  controlplane kubeconfig user --client-name jane --org developers --org testers --output jane.conf

What jane may do is for RBAC to say: kubectl create rolebinding jane --clusterrole=edit --user=jane -n NAMESPACE
"""


class KubeconfigError(Explained):
    """The kubeconfig could not be made."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "kubeconfig",
        help="kubeconfig files for users",
        description="Makes kubeconfig files.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    user = actions.add_parser("user", help="print a kubeconfig for a user", epilog=_EPILOG,
                              formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    user.add_argument("--client-name", required=True, metavar="NAME", help="the user's name")
    user.add_argument("--org", action="append", default=[], metavar="GROUP", help="a group; may be repeated")
    user.add_argument("--output", metavar="FILE", default="", help="write a file that nobody else can read")
    user.add_argument(
        "--config-dir", metavar="DIR", type=Path, default=Path("/etc/sampan"), help="default: /etc/sampan"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.cmd import cluster_config
    from controlplane.pki import files
    from controlplane.pki.cluster import ClusterFiles
    from controlplane.pki.issue import Leaf
    from controlplane.pki.plan import PlannedKubeconfig

    endpoint = cluster_config.load(options.config_dir)
    leaf = Leaf(options.client_name, tuple(options.org), usages=("digital signature", "client auth"))
    try:
        text = ClusterFiles(options.config_dir).user_kubeconfig(
            PlannedKubeconfig(options.client_name, leaf), endpoint, SystemClock().now()
        )
    except ValueError as error:  # a name longer than a certificate can hold
        raise KubeconfigError(f"{options.client_name}: {error}") from error
    if options.output:
        files.write(Path(options.output), text, files.SECRET)
    else:
        print(text, end="")
    return 0
