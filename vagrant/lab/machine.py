"""One machine: an overlay over the shared layers, its own state under .lab/machines/<name>, and its processes.

upper, work, root   the overlay: what the machine wrote, overlayfs' own, and the two together
containerd          /var/lib/containerd
pid                 of the launcher; its child is systemd-nspawn, whose child is the machine's systemd
console.log         what the machine said while booting
"""

import os
import shutil
import subprocess
from pathlib import Path

from lab import cgroups, network
from lab.cluster import Cluster, Machine
from lab.paths import PROJECT, SHARED, STATE, VAGRANT
from lab.step import LabError, run, try_run, wait_until

LAB = VAGRANT / "lab"


def directory(name: str) -> Path:
    return STATE / "machines" / name


def is_running(machine: Machine) -> bool:
    return try_run(LAB / "enter", STATE, machine.name, "true").returncode == 0


def enter(machine: Machine, *command: str, timeout: float | None = None) -> str:
    """Run a command in the machine and return its output."""
    return run(LAB / "enter", STATE, machine.name, *command, timeout=timeout)


def start(machine: Machine, cluster: Cluster, layers: list[Path]) -> None:
    """Boot the machine, unless it runs."""
    if is_running(machine):
        return
    state = directory(machine.name)
    if cgroups.processes(machine.name):
        if not state.exists():
            raise LabError(
                f"a machine {machine.name} that was not started from this directory is running: "
                "there is one lab a host; 'make lab-down', here or there, removes it"
            )
        cgroups.kill(machine.name)  # what is left of a launcher that died
    for name in ("upper", "work", "root", "containerd"):
        (state / name).mkdir(parents=True, exist_ok=True)
    SHARED.mkdir(exist_ok=True)
    _mount(state, layers)
    _personalise(state / "root", machine, cluster)
    console = (state / "console.log").open("ab")
    launcher = subprocess.Popen(
        [LAB / "launch", machine.name, state / "root", network.path(machine), PROJECT, state],
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=console,
        start_new_session=True,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
    )
    console.close()
    (state / "pid").write_text(f"{launcher.pid}\n")


def _mount(state: Path, layers: list[Path]) -> None:
    root = state / "root"
    if root.is_mount():
        return
    lower = ":".join(str(layer) for layer in reversed(layers))
    run(
        "mount",
        "-t",
        "overlay",
        "sampan-lab",
        "-o",
        f"lowerdir={lower},upperdir={state}/upper,workdir={state}/work",
        root,
    )


def _personalise(root: Path, machine: Machine, cluster: Cluster) -> None:
    """What a VM gets from its box and Vagrant: a first process, a name, a resolver."""
    shutil.copy(LAB / "lab-init", root / "usr/local/sbin/lab-init")
    (root / "etc/hostname").write_text(f"{machine.name}\n")
    # Nobody listens there: the lab has no uplink. A refused query fails at once, an unreachable one after seconds.
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text(f"nameserver {cluster.gateway}\n")


def wait_until_booted(machine: Machine) -> None:
    hint = f"look at {directory(machine.name)}/console.log, and .lab/ssh {machine.name} systemctl --failed"
    states: list[str] = []

    def booted() -> bool:
        states.append(try_run(LAB / "enter", STATE, machine.name, "systemctl", "is-system-running").stdout.strip())
        if states[-1] in ("degraded", "maintenance"):
            failed = enter(machine, "systemctl", "--failed", "--no-legend", "--plain")
            raise LabError(f"{machine.name} booted with failed units:\n{failed}{hint}")
        return states[-1] == "running"

    wait_until(f"{machine.name} to boot", booted, seconds=60, hint=hint)
