"""The service proxy with 1,000 Services of 10 endpoints, beside kube-proxy 1.20."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

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
            options = f"--kubeconfig {plane.kubeconfig} --cluster-cidr 10.244.0.0/16 --iptables-variant {variant}"
            run(
                *(PYTHON, bench, "--kubeconfig", plane.kubeconfig),
                *(
                    "--proxy-command",
                    f"{BIN}/nodeagent proxy {options}",
                    "--proxy-log",
                    str(report.with_suffix(".log")),
                ),
                *("--rules-command", f"iptables-{variant}-save", "--label", "sampan", "--out", str(report)),
                inside=PROXY,
            )
        compare(variant, Path(upstream(f"kube-proxy-1.20-{variant}")), report)


def compare(variant: str, theirs: Path, ours: Path) -> None:
    """Print the figures that say most, kube-proxy's first."""
    print(f"iptables-{variant}: kube-proxy 1.20, sampan, ratio")
    one, two = json.loads(theirs.read_text()), json.loads(ours.read_text())
    for path in ("start seconds", "service_create p50_s", "endpoint_change p50_s", "end peak_rss_mib"):
        part, _, key = path.partition(" ")
        before, after = one[part][key], two[part][key]
        print(f"  {path:24} {before:8.2f} {after:8.2f} {after / before:6.2f}")
