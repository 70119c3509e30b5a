"""The machines' network: a bridge in a network namespace of its own, without uplink, and one namespace per machine.

    root namespace          nothing of ours, ever
    sampan-switch           br0 192.168.56.1, ports v-master, v-node1, ...
    sampan-<machine>        eth0 192.168.56.x

A namespace is made before its machine boots, and `systemd-nspawn --network-namespace-path` enters it.
"""

from pathlib import Path

from lab.cluster import Cluster, Machine
from lab.step import run, try_run

PREFIX = "sampan-"
SWITCH = f"{PREFIX}switch"


def namespace(machine: Machine) -> str:
    return f"{PREFIX}{machine.name}"


def path(machine: Machine) -> Path:
    return Path("/run/netns") / namespace(machine)


def build(cluster: Cluster) -> None:
    """Make what is missing. What exists is left alone: machines may be using it."""
    prefix = cluster.machine_network.prefixlen
    existing = namespaces()
    if SWITCH not in existing:
        _batch(None, f"netns add {SWITCH}")
        _batch(
            SWITCH,
            "link set lo up",
            "link add br0 type bridge",
            f"addr add {cluster.gateway}/{prefix} dev br0",
            "link set br0 up",
        )
    for machine in cluster.machines:
        if namespace(machine) not in existing:
            _add_machine(machine, cluster.gateway, prefix)


def _add_machine(machine: Machine, gateway: str, prefix: int) -> None:
    inside = namespace(machine)
    port = f"v-{machine.name}"[:15]  # the kernel's limit for an interface name
    _batch(None, f"netns add {inside}")
    _batch(SWITCH, f"link add {port} type veth peer name eth0 netns {inside}", f"link set {port} master br0 up")
    _batch(
        inside,
        "link set lo up",
        f"addr add {machine.address}/{prefix} dev eth0",
        "link set eth0 up",
        f"route add default via {gateway}",
    )


def forget(machine: Machine) -> None:
    """Remove one machine's namespace with the addresses, routes and rules in it; nothing may run there any more."""
    # The kernel takes its links down some time after the namespace went: this one's name is wanted again at once.
    try_run("ip", "-n", SWITCH, "link", "delete", f"v-{machine.name}"[:15])
    run("ip", "netns", "delete", namespace(machine))


def _batch(where: str | None, *commands: str) -> None:
    run("ip", *(["-n", where] if where else []), "-batch", "-", stdin="\n".join(commands) + "\n")


def namespaces() -> set[str]:
    """The lab's network namespaces that exist."""
    listed = try_run("ip", "netns", "list").stdout.splitlines()
    return {line.split()[0] for line in listed if line.startswith(PREFIX)}


def remove() -> None:
    for name in namespaces():
        run("ip", "netns", "delete", name)  # its links, and their other ends, go with it
