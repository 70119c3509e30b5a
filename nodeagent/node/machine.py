"""What this machine is: read from psutil, /proc, /etc/os-release and DMI."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from nodeagent.kernel import headroom

# Go's names of architectures, which images and node labels use.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts a Node carries; sizes in bytes."""

    cpus: int
    memory: int
    disk: int
    machine_id: str
    system_uuid: str
    boot_id: str
    kernel: str
    os_image: str
    architecture: str
    huge_pages: Mapping[int, int] = field(default_factory=dict)  # by the size of a page: how much is set aside
    swap: int = 0


def read_machine(state: Path, root: Path = Path("/")) -> Machine:
    """Return the facts; `state` is the directory whose file system holds the pods' data."""
    return Machine(
        cpus=psutil.cpu_count() or 1,
        memory=psutil.virtual_memory().total,
        disk=shutil.disk_usage(state).total,
        machine_id=_line(root / "etc/machine-id"),
        system_uuid=_line(root / "sys/class/dmi/id/product_uuid") or _line(root / "etc/machine-id"),
        boot_id=_line(root / "proc/sys/kernel/random/boot_id"),
        kernel=platform.release(),
        os_image=os_image((root / "etc/os-release").read_text()),
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
        huge_pages=headroom.huge_pages(root / "sys"),
        swap=headroom.meminfo(root / "proc").get("SwapTotal", 0),
    )


def thermal_paths(root: Path = Path("/")) -> tuple[str, ...]:
    """Return the directories in which the processors count how often heat slowed them down: a side channel."""
    found = root.glob("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle")
    return tuple(sorted(f"/{path.relative_to(root)}" for path in found))


def os_image(os_release: str) -> str:
    """Return the PRETTY_NAME of os-release(5)."""
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    return values.get("PRETTY_NAME", "Linux").strip('"')


def _line(path: Path) -> str:
    """The first line of a file that not every machine has."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
