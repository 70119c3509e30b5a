"""What must hold before this machine can be a node: each problem with the one command that mends it."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from controlplane.kit.explained import Explained
from nodeagent.kernel import sysctl

REQUIRED_SYSCTLS = {"net.ipv4.ip_forward": "1"}
BRIDGE_SYSCTL = "net.bridge.bridge-nf-call-iptables"
REQUIRED_COMMANDS = {"iptables": "iptables", "conntrack": "conntrack", "mount": "mount"}


class PreflightError(Explained):
    """This machine cannot be a node as it is."""


@dataclass(frozen=True, slots=True)
class Findings:
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check(runtime_socket: Path, ports: tuple[int, ...]) -> Findings:
    """Look at everything once, so that the reader sees all of it."""
    errors: list[str] = []
    warnings: list[str] = []
    if os.geteuid() != 0:
        errors.append("not root: run this with sudo")
    if not runtime_socket.exists():
        errors.append(
            f"no container runtime at {runtime_socket}: apt-get install containerd; systemctl start containerd"
        )
    for command, package in REQUIRED_COMMANDS.items():
        if shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            errors.append(f"no {command} command: apt-get install {package}")
    errors += [f"port {port} is in use: ss -ltnp 'sport = :{port}' says by whom" for port in ports if _taken(port)]
    if _swap_is_on():
        warnings.append("swap is on: memory limits of pods are not exact; swapoff -a turns it off")
    return Findings(tuple(errors), tuple(warnings))


def fix_sysctls() -> list[str]:
    """Set what the pod network needs; return what was changed. Raises PreflightError."""
    changed = []
    for name, value in REQUIRED_SYSCTLS.items():
        try:
            if sysctl.write(name, value):
                changed.append(f"{name} = {value}")
        except OSError as error:
            raise PreflightError(f"cannot set {name}: {error.strerror}; run: sysctl -w {name}={value}") from error
    if sysctl.read(BRIDGE_SYSCTL) is None:
        raise PreflightError(f"the kernel has no {BRIDGE_SYSCTL}; run: modprobe br_netfilter")
    if sysctl.write(BRIDGE_SYSCTL, "1"):
        changed.append(f"{BRIDGE_SYSCTL} = 1")
    return changed


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


def _swap_is_on() -> bool:
    swaps = Path("/proc/swaps")
    return swaps.exists() and len(swaps.read_text().splitlines()) > 1
