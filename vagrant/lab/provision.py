"""Run vagrant/provision/*.sh in the machines, all at once; scripts that need another machine wait for it themselves."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from lab import machine
from lab.cluster import Cluster, Machine
from lab.paths import INSIDE, STATE
from lab.step import LabError

SCRIPTS = INSIDE / "vagrant" / "provision"


def provision(cluster: Cluster, *, without: Sequence[str] = ()) -> None:
    """Run every machine's scripts. `without` leaves steps out."""
    (STATE / "log").mkdir(exist_ok=True)
    failed = threading.Event()
    with ThreadPoolExecutor(len(cluster.machines)) as pool:
        tasks = [pool.submit(_one_machine, cluster, m, without, failed) for m in cluster.machines]
        try:
            wait(tasks, return_when=FIRST_EXCEPTION)
        finally:
            if not all(task.done() and task.exception() is None for task in tasks):
                failed.set()  # nobody waits any longer for a machine that failed, or after an interrupt
    # The first machine to fail is the cause; others may only have been interrupted.
    errors = [error for task in tasks if (error := task.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, Interrupted)):
        raise error


class Interrupted(LabError):
    """Another machine failed first."""


def _one_machine(cluster: Cluster, target: Machine, without: Sequence[str], failed: threading.Event) -> None:
    steps = [name for name in cluster.provision[target.role] if name not in without]
    settings = [f"{key}={value}" for key, value in cluster.environment(target).items()]
    log = STATE / "log" / f"{target.name}.log"
    for name in steps:
        started = time.monotonic()
        with log.open("ab") as out:
            out.write(f"==> {name}\n".encode())
            out.flush()
            command: list[str | Path] = [
                machine.LAB / "enter",
                STATE,
                target.name,
                "env",
                *settings,
                "sh",
                str(SCRIPTS / f"{name}.sh"),
            ]
            # A session of its own: what runs in the machine is the script's grandchild, and ends with its group.
            script = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
            while script.poll() is None:
                if failed.is_set():
                    os.killpg(script.pid, signal.SIGTERM)
                    script.wait()
                    raise Interrupted(f"{target.name}: {name} interrupted")
                time.sleep(0.05)
        if script.returncode != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise LabError(
                f"{target.name}: vagrant/provision/{name}.sh failed (exit {script.returncode}); "
                f"the end of {log}:\n{tail}\n"
                f"to look around: .lab/ssh {target.name}, then journalctl -e"
            )
        seconds = time.monotonic() - started
        if seconds >= 0.5:
            print(f"    {target.name:<8} {name:<14} {seconds:5.1f} s", flush=True)
