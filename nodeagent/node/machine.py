"""What this machine is: read from psutil, /proc, /etc/os-release and DMI."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

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


@dataclass(frozen=True, slots=True)
class Pressure:
    """What is left now of what pods share; sizes in bytes."""

    memory_available: int
    disk_available: int
    disk_total: int
    inodes_free: int
    inodes_total: int
    pids: int
    pids_max: int


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
    )


def read_pressure(state: Path) -> Pressure:
    disk = os.statvfs(state)
    return Pressure(
        memory_available=psutil.virtual_memory().available,
        disk_available=disk.f_bavail * disk.f_frsize,
        disk_total=disk.f_blocks * disk.f_frsize,
        inodes_free=disk.f_favail,
        inodes_total=disk.f_files,
        pids=len(psutil.pids()),
        pids_max=int(_line(Path("/proc/sys/kernel/pid_max")) or 0),
    )


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
