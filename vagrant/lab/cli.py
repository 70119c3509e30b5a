"""`python -m lab up|down`: what `make lab` and `make lab-down` run. `cut`: a power failure, for tests."""

import argparse
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab import access, cgroups, cluster, images, machine, network, provision, rootfs, sample, teardown, wheels
from lab.paths import CACHE, STATE
from lab.step import LabError, step

# Steps that need our own programs; without them there are machines with containerd and a registry.
CLUSTER_STEPS = ["sampan", "master", "node"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="build and start what is missing, provision, show the sample")
    up.add_argument(
        "--machines-only", action="store_true", help="machines with containerd, registry and images, without a cluster"
    )
    up.add_argument("--no-sample", action="store_true", help="a cluster, but nothing applied to it")
    commands.add_parser("down", help="remove every trace")
    cut = commands.add_parser("cut", help="cut a machine's power, and give it back")
    cut.add_argument("machine")
    arguments = parser.parse_args()
    os.environ["PATH"] = f"/usr/sbin:/sbin:{os.environ['PATH']}"
    try:
        with alone():
            if arguments.command == "down":
                down()
            elif arguments.command == "cut":
                cut_power(arguments.machine)
            else:
                bring_up(with_cluster=not arguments.machines_only, with_sample=not arguments.no_sample)
    except LabError as error:
        print(f"\nlab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlab: interrupted; 'make lab' goes on from here, 'make lab-down' removes everything", file=sys.stderr)
        return 130
    return 0


@contextmanager
def alone() -> Iterator[None]:
    """One at a time: two runs would build the same things at once."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabError("another 'make lab' or 'make lab-down' is running here: wait for it") from error
        yield


def bring_up(*, with_cluster: bool, with_sample: bool) -> None:
    started = time.monotonic()
    lab = cluster.load()
    STATE.mkdir(mode=0o700, exist_ok=True)
    wheels.build()
    layers = rootfs.build()
    images.build_all(lab.registry)
    with step(f"booting {', '.join(m.name for m in lab.machines)}"):
        network.build(lab)
        for each in lab.machines:
            machine.start(each, lab, layers)
        access.write_commands(lab)
        for each in lab.machines:
            machine.wait_until_booted(each)
    try:
        with step("provisioning"):
            provision.provision(lab, without=[] if with_cluster else CLUSTER_STEPS)
    finally:
        # Also after a failure: with an API server that answers, kubectl is the best way to look.
        if with_cluster and access.has_kubeconfig(lab):
            access.open_port(lab)
            access.write_kubeconfig(lab)
    if with_cluster:
        with step("waiting for the nodes to be Ready"):
            sample.wait_for_nodes(lab)
        if with_sample:
            sample.show(lab)
    sample.what_now(lab, with_cluster=with_cluster)
    print(f"\nThe lab is up after {time.monotonic() - started:.0f} s.")


def down() -> None:
    with step("removing the lab"):
        teardown.remove_all()


def cut_power(name: str) -> None:
    """Kill everything in a machine at once, forget what only its kernel knew, and boot it again from its disk."""
    lab = cluster.load()
    one = next((each for each in lab.machines if each.name == name), None)
    if one is None or not machine.is_running(one):
        raise LabError(f"{name} is not a machine that runs; these may: {', '.join(each.name for each in lab.machines)}")
    layers = rootfs.build()
    with step(f"cutting the power of {name}"):
        if not cgroups.kill(name):
            raise LabError(f"processes of {name} do not die; see cgroup.procs in /sys/fs/cgroup/*/lab-{name}")
        network.forget(one)
    with step(f"booting {name}"):
        network.build(lab)
        machine.start(one, lab, layers)
        machine.wait_until_booted(one)
