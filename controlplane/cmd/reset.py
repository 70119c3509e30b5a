"""`controlplane reset`: takes the control plane off this machine, with everything that it knows."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controlplane.cmd.init import UNITS
from controlplane.kit.explained import Explained

_EPILOG = """examples:
  controlplane reset                 # asks first
  controlplane reset --force

Nodes are not touched: run `nodeagent reset` on each.
"""


class ResetError(Explained):
    """The control plane could not be removed."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "reset",
        help="take the control plane off this machine: units, certificates, configuration, and all data",
        description="Stops the control plane and deletes its certificates, configuration and data.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--force", "-f", action="store_true", help="do not ask")
    parser.add_argument(
        "--config-dir", metavar="DIR", type=Path, default=Path("/etc/sampan"), help="default: /etc/sampan"
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", type=Path, default=Path("/var/lib/sampan"), help="default: /var/lib/sampan"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if not options.force and not _confirmed(options):
        raise ResetError("nothing was changed: answer y, or say --force")
    _stop()
    for path in leftovers(options.config_dir, options.data_dir):
        try:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except OSError as error:
            raise ResetError(f"cannot delete {path}: {error.strerror}") from error
        print(f"deleted {path}")
    return 0


def leftovers(config_dir: Path, data_dir: Path) -> Iterator[Path]:
    """Yield what `init` and the control plane made. What the node agent of this machine needs stays."""
    from controlplane.cmd.cluster_config import FILE
    from controlplane.pki.plan import CA, FRONT_PROXY_CA, kubeconfigs

    node_agent = (config_dir / "nodeagent.yaml").exists()
    pki = config_dir / "pki"
    kept = {pki / "ca.crt"} if node_agent else set()
    names = ["apiserver.yaml", "controller-manager.yaml", "scheduler.yaml", "store.yaml", FILE, *kubeconfigs()]
    made = [config_dir / name for name in names]
    made.append(pki / "etcd")
    made += [pki / f"{name}{suffix}" for name in (CA, FRONT_PROXY_CA, *_LEAVES) for suffix in (".crt", ".key")]
    made += [pki / "sa.key", pki / "sa.pub"]
    yield from (path for path in made if path.exists() and path not in kept)
    yield from _store_files(data_dir)
    if pki.is_dir() and not node_agent:
        yield pki


_LEAVES = (
    "apiserver",
    "apiserver-kubelet-client",
    "apiserver-etcd-client",
    "controller-manager",
    "scheduler",
    "front-proxy-client",
)


def _store_files(data_dir: Path) -> Iterator[Path]:
    """Yield the store's files; the folder is shared with the node agent."""
    if data_dir.is_dir():
        yield from (path for path in sorted(data_dir.iterdir()) if path.name not in ("nodeagent", "pki"))


def _confirmed(options: argparse.Namespace) -> bool:
    if not sys.stdin.isatty():
        return False
    question = f"This deletes the cluster: everything in {options.data_dir}, and its certificates. Continue? [y/N] "
    return input(question).strip().lower() in ("y", "yes")


def _stop() -> None:
    if not Path("/run/systemd/system").exists():
        return
    done = subprocess.run(["systemctl", "disable", "--now", *UNITS], capture_output=True, text=True, check=False)
    if done.returncode and "does not exist" not in done.stderr and "not loaded" not in done.stderr:
        raise ResetError(f"systemctl disable --now failed: {done.stderr.strip()}")
    print(f"stopped {', '.join(UNITS)}")
