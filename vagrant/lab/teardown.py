"""Remove every trace of the lab, however far it came: processes, mounts, namespaces, cgroups, files.

Nothing here trusts what an earlier step recorded: processes are found by cgroup, mounts in the kernel's list. So it
serves after a crash, and a second time.
"""

import shutil
from pathlib import Path

from lab import cgroups, cluster, network
from lab.access import PROXY
from lab.paths import STATE
from lab.step import LabError, run


def names() -> list[str]:
    """Every machine that may have left something: of this cluster.yaml, and of an earlier one."""
    known = [machine.name for machine in cluster.load().machines]
    started = [path.name for path in (STATE / "machines").glob("*")]
    return sorted({*known, *started, PROXY})


def remove_all() -> None:
    stubborn = [name for name in names() if not cgroups.kill(name)]
    if stubborn:
        raise LabError(f"processes of {', '.join(stubborn)} do not die; see cgroup.procs in /sys/fs/cgroup/*/lab-*")
    for mount in mounts_below(STATE):
        run("umount", mount)
    network.remove()
    left = [str(path) for name in names() for path in cgroups.remove(name)]
    if left:
        raise LabError(f"cannot remove these cgroups: {' '.join(left)}")
    if STATE.exists():
        shutil.rmtree(STATE)


def mounts_below(directory: Path) -> list[Path]:
    """Mount points in `directory`, the one mounted last first. Spaces in a path arrive as \\040."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [Path(line.split()[4].replace("\\040", " ")) for line in lines]
    return [point for point in reversed(points) if directory in point.parents]
