"""From a change of an endpoint to the rule in the kernel of every node of the lab, with 200 Services there."""

from __future__ import annotations

import json
import subprocess
import threading
import time

from tests.bench.tools import ROOT, CannotMeasure

SERVICES, CHANGES, NAMESPACE = 200, 30, "bench-rules"


def kubectl(*arguments: str, stdin: str = "", check: bool = True) -> str:
    command = [str(ROOT / ".venv/bin/kubectl"), "--kubeconfig", str(ROOT / ".lab/kubeconfig"), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise CannotMeasure(done.stderr)
    return done.stdout


def service(number: int) -> list[dict[str, object]]:
    """A Service without a selector and its slice, so that nothing but the proxy is in the measured path."""
    name = f"s{number}"
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"ports": [{"port": 80, "targetPort": 8080}]},
        },
        endpoints(name, number),
    ]


def endpoints(name: str, number: int) -> dict[str, object]:
    address = f"10.244.250.{number % 250 + 1}"
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
    }


class Watcher(threading.Thread):
    """Looks at one node's rules in a loop and notes when an address first appears."""

    def __init__(self, machine: str):
        super().__init__(daemon=True)
        self.seen: dict[str, float] = {}
        script = (
            "while :; do iptables-legacy-save -t nat | grep -o 'to-destination 10.244.251.[0-9]*' | sort -u; echo; done"
        )
        self.process = subprocess.Popen(
            [str(ROOT / ".lab/ssh"), machine, "sh", "-c", script], stdout=subprocess.PIPE, text=True
        )

    def run(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            address = line.strip().rpartition(" ")[2]
            if address:
                self.seen.setdefault(address, time.perf_counter())


def main() -> None:
    if not (ROOT / ".lab/kubeconfig").exists():
        raise CannotMeasure("there is no lab: run `make lab` first")
    machines = kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    kubectl("create", "namespace", NAMESPACE)
    watchers = [Watcher(machine) for machine in machines]
    try:
        items = [document for number in range(SERVICES) for document in service(number)]
        kubectl(
            "apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        )
        time.sleep(3)
        for watcher in watchers:
            watcher.start()
        delays = []
        for number in range(1, CHANGES + 1):
            address = f"10.244.251.{number}"
            body = {"endpoints": [{"addresses": [address], "conditions": {"ready": True}}]}
            proxy = ["patch", "endpointslice", f"s{number}", "-n", NAMESPACE, "--type=merge", "-p", json.dumps(body)]
            kubectl(*proxy)
            written = time.perf_counter()  # kubectl has its answer: a little late, so the figure is a little short
            deadline = written + 10
            while not all(address in watcher.seen for watcher in watchers) and time.perf_counter() < deadline:
                time.sleep(0.005)
            if not all(address in watcher.seen for watcher in watchers):
                raise CannotMeasure(f"{address} never appeared on every node")
            delays.append(max(watcher.seen[address] for watcher in watchers) - written)
        delays.sort()
        p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
        where = f"{len(machines)} nodes, {SERVICES} Services"
        print(f"endpoint change to rule, {where}: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")
    finally:
        for watcher in watchers:
            watcher.process.terminate()
        kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)
