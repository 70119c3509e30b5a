"""Pod-to-pod throughput across nodes of the lab, beside the same VXLAN set up by hand between the same machines."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable

from tests.bench.tools import ROOT, CannotMeasure

ROUNDS, SECONDS = 3, 4
ONE, TWO = "node1", "node2"
HAND = "bench-hand"  # the namespace that stands for a pod, and the prefix of what connects it


def shell(machine: str, command: str, *, check: bool = True) -> str:
    done = subprocess.run(
        [str(ROOT / ".lab/ssh"), machine, "sh", "-c", command], capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise CannotMeasure(f"{machine}: {command}: {done.stdout}{done.stderr}")
    return done.stdout


def by_hand(machine: str, number: int, own: str, peer: str) -> None:
    """What the overlay and CNI build for a pod, with ip(8): a veth into a bridge, VXLAN behind it, a route."""
    other = 3 - number
    for command in (
        f"ip netns add {HAND}",
        f"ip link add {HAND} type vxlan id 77 local {own} dev eth0 dstport 8477 nolearning",
        f"ip link set {HAND} address 02:00:00:00:77:0{number} mtu 1450 up",
        f"ip addr add 10.77.{number}.0/32 dev {HAND}",
        f"ip neigh replace 10.77.{other}.0 lladdr 02:00:00:00:77:0{other} dev {HAND} nud permanent",
        f"bridge fdb replace 02:00:00:00:77:0{other} dev {HAND} dst {peer} self permanent",
        f"ip route replace 10.77.{other}.0/24 via 10.77.{other}.0 dev {HAND} onlink",
        "ip link add bench-br type bridge; ip link set bench-br mtu 1450 up",
        f"ip addr add 10.77.{number}.1/24 dev bench-br",
        f"ip link add bench-v type veth peer name eth0 netns {HAND}",
        "ip link set bench-v master bench-br mtu 1450 up",
        f"ip -n {HAND} link set eth0 mtu 1450 up; ip -n {HAND} addr add 10.77.{number}.2/24 dev eth0",
        f"ip -n {HAND} route add default via 10.77.{number}.1",
    ):
        shell(machine, command)


def clean(machine: str) -> None:
    shell(machine, f"ip netns del {HAND}; ip link del {HAND}; ip link del bench-br; ip link del bench-v", check=False)


def kubectl(*arguments: str, stdin: str = "") -> str:
    command = [str(ROOT / ".venv/bin/kubectl"), "--kubeconfig", str(ROOT / ".lab/kubeconfig"), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def iperf(machine: str, pod: str, arguments: str) -> str:
    """Return the command that runs iperf3, which only the pod's image has, in the hand-made namespace."""
    container = kubectl("get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[0].containerID}")
    number = shell(machine, f"ctr -n k8s.io tasks ls | awk '$1 == \"{container.rpartition('/')[2]}\" {{print $2}}'")
    return f"ip netns exec {HAND} nsenter -t {number.strip()} -m iperf3 {arguments}"


def pods() -> str:
    """Start one pod a node; return the address of the second."""
    image = subprocess.run(
        [str(ROOT / ".lab/image"), "tools"], capture_output=True, text=True, check=True
    ).stdout.strip()
    for name, node in (("bench-one", ONE), ("bench-two", TWO)):
        container = {"name": "main", "image": image, "command": ["iperf3", "-s"]}
        spec = {"nodeName": node, "containers": [container], "terminationGracePeriodSeconds": 0}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    kubectl("wait", "--for=condition=Ready", "pod/bench-one", "pod/bench-two", "--timeout=60s")
    return kubectl("get", "pod", "bench-two", "-o", "jsonpath={.status.podIP}")


def gigabits(measure: Callable[[], str]) -> float:
    return float(json.loads(measure())["end"]["sum_received"]["bits_per_second"]) / 1e9


def main() -> None:
    if not (ROOT / ".lab/kubeconfig").exists():
        raise CannotMeasure("there is no lab: run `make lab` first")
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    addresses = {
        node["metadata"]["name"]: next(
            one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP"
        )
        for node in nodes
    }
    try:
        target = pods()
        by_hand(ONE, 1, addresses[ONE], addresses[TWO])
        by_hand(TWO, 2, addresses[TWO], addresses[ONE])
        shell(TWO, f"systemd-run --unit=bench-iperf --collect {iperf(TWO, 'bench-two', '-s')}")
        client = iperf(ONE, "bench-one", f"-J -t {SECONDS} -c 10.77.2.2")
        ours: list[float] = []
        hand: list[float] = []
        for _ in range(ROUNDS):  # in turns, so that whatever else the machine does hits both
            hand.append(gigabits(lambda: shell(ONE, client)))
            ours.append(
                gigabits(lambda: kubectl("exec", "bench-one", "--", "iperf3", "-J", "-t", str(SECONDS), "-c", target))
            )
        one, other = statistics.median(ours), statistics.median(hand)
        print(f"pod to pod {one:.2f} Gbit/s, by hand {other:.2f} Gbit/s: {one / other:.2f}")
    finally:
        shell(TWO, "systemctl stop bench-iperf", check=False)
        for machine in (ONE, TWO):
            clean(machine)
        subprocess.run(
            [
                str(ROOT / ".venv/bin/kubectl"),
                "--kubeconfig",
                str(ROOT / ".lab/kubeconfig"),
                "delete",
                "pod",
                "bench-one",
                "bench-two",
                "--ignore-not-found",
            ],
            check=False,
            capture_output=True,
        )
