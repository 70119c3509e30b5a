"""The API server under load, and its start, beside kube-apiserver 1.20 with etcd."""

from __future__ import annotations

import json

from tests.bench.tools import PYTHON, RESULTS, control_plane, run, serving, tool, upstream


def main() -> None:
    bench, report, starts = tool("apibench.py"), RESULTS / "api.json", RESULTS / "api-start.json"
    with control_plane("127.0.0.1", 26443) as plane:
        run(
            *(PYTHON, bench, "--kubeconfig", plane.kubeconfig, "--start-command", plane.command, "--start-repeat", "3"),
            *("--only", "startup", "--label", "sampan", "--out", str(starts)),
        )
    with control_plane("127.0.0.1", 26443) as plane, serving(plane) as pid:
        label = ("--label", "sampan", "--time-limit", "1200")
        run(PYTHON, bench, "--kubeconfig", plane.kubeconfig, "--server-pid", str(pid), *label, "--out", str(report))
    run(PYTHON, bench, "--compare", upstream("kube-apiserver-1.20"), str(report))
    for row in json.loads(starts.read_text())["results"]["startup"]:
        print(f"start to /readyz: {row['ready_s']:.2f} s ({row['cpu_s']:.2f} CPU s); upstream about 4 s")
