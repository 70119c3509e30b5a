"""The service proxy with 1,000 Services of 10 endpoints, beside kube-proxy 1.20."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator

from tests.bench.tools import BIN, PYTHON, RESULTS, control_plane, run, serving, tool, upstream

API, PROXY = "sampan-bench-api", "sampan-bench-px"
API_ADDRESS, PROXY_ADDRESS = "10.199.0.1", "10.199.0.2"


@contextlib.contextmanager
def two_namespaces() -> Iterator[None]:
    """The API server's namespace and the proxy's, joined by a wire; nothing of them is in the host's own."""

    def ip(command: str) -> None:
        subprocess.run(["ip", *command.split()], check=True)

    try:
        for name in (API, PROXY):
            ip(f"netns add {name}")
            ip(f"-n {name} link set lo up")
        ip(f"link add api netns {API} type veth peer name px netns {PROXY}")
        for name, link, address in ((API, "api", API_ADDRESS), (PROXY, "px", PROXY_ADDRESS)):
            ip(f"-n {name} addr add {address}/24 dev {link}")
            ip(f"-n {name} link set {link} up")
        ip(f"-n {PROXY} route add default via {API_ADDRESS}")
        yield
    finally:
        for name in (API, PROXY):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def main() -> None:
    bench = tool("proxybench.py")
    for variant in ("legacy", "nft"):
        report = RESULTS / f"proxy-{variant}.json"
        with two_namespaces(), control_plane(API_ADDRESS, 6443) as plane, serving(plane, API):
            proxy = f"{BIN}/nodeagent proxy --kubeconfig {plane.kubeconfig} --cluster-cidr 10.244.0.0/16 --iptables-variant {variant}"
            label = f"sampan, iptables-{variant}"
            run(
                *(PYTHON, bench, "--kubeconfig", plane.kubeconfig, "--proxy-command", proxy, "--label", label),
                *("--rules-command", f"iptables-{variant}-save", "--out", str(report)),
                *("--proxy-log", str(RESULTS / f"proxy-{variant}.log")),
                inside=PROXY,
            )
        print(f"upstream, iptables-{variant}:")
        known = json.loads(open(upstream(f"kube-proxy-1.20-{variant}")).read())  # noqa: SIM115, PTH123
        for name in ("start", "create", "change"):
            if name in known:
                print(f"  {name}: {known[name]}")
