"""`controlplane certs`: when the control plane's certificates end, and another year for them."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.kit.clock import SystemClock
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.pki.cluster import Expiry

WARN_DAYS = 30

_EPILOG = """examples:
  controlplane certs check-expiration          # exits with 1 if one has ended or ends within 30 days
  controlplane certs renew all
  controlplane certs renew apiserver admin.conf

The programs read their certificates when they start; `renew` restarts those that run.
"""


class CertsError(Explained):
    """The command could not do what it was asked for."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "certs",
        help="the control plane's certificates: when they end, and renewing them",
        description="Shows when certificates end, and renews them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check-expiration", help="show when each certificate ends")
    renew = actions.add_parser("renew", help="make certificates again, for another year, with new keys")
    renew.add_argument("names", nargs="+", metavar="NAME", help="as check-expiration shows them, or all")
    renew.add_argument("--skip-restart", action="store_true", help="leave running programs with the old ones")
    for action in (check, renew):
        action.add_argument(
            "--config-dir", metavar="DIR", type=Path, default=Path("/etc/sampan"), help="default: /etc/sampan"
        )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.cmd import cluster_config
    from controlplane.pki.cluster import ClusterFiles

    cluster, now = ClusterFiles(options.config_dir), SystemClock().now()
    endpoint = cluster_config.load(options.config_dir)
    expiries = list(cluster.expiries())
    if options.action == "check-expiration":
        print("\n".join(table(expiries, now)))
        return 1 if any((expiry.expires - now).days < WARN_DAYS for expiry in expiries) else 0
    for name in chosen(options.names, expiries):
        cluster.renew(name, endpoint, now)
        print(f"renewed {name}")
    if not options.skip_restart:
        _restart()
    return 0


def chosen(names: Iterable[str], expiries: Iterable[Expiry]) -> list[str]:
    """Return which certificates to renew. Raises CertsError."""
    leaves = [expiry.name for expiry in expiries if expiry.authority]
    wanted = leaves if "all" in names else list(names)
    if unknown := sorted(set(wanted) - set(leaves)):
        raise CertsError(f"there is no certificate {', '.join(unknown)} to renew; there are {', '.join(leaves)}")
    return wanted


def table(expiries: Iterable[Expiry], now: datetime) -> list[str]:
    """Return the lines that `check-expiration` prints."""
    rows = [("CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY")]
    rows += [
        (one.name, one.expires.strftime("%b %d, %Y %H:%M UTC"), residual(one.expires, now), one.authority)
        for one in expiries
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def residual(expires: datetime, now: datetime) -> str:
    """Return the time left: 364d, 5h, <invalid>."""
    left = int((expires - now).total_seconds())
    if left <= 0:
        return "<invalid>"
    return f"{left // 86400}d" if left >= 86400 else f"{left // 3600}h"


def _restart() -> None:
    if not Path("/run/systemd/system").exists():
        return
    from controlplane.cmd.init import UNITS

    done = subprocess.run(["systemctl", "try-restart", *UNITS], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CertsError(f"renewed, but systemctl try-restart failed: {done.stderr.strip()}")
    print(f"restarted what runs of {', '.join(UNITS)}")
