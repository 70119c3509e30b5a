"""How fast a node of the lab starts and removes pods, beside kubelet 1.20 and the bare CRI calls."""

from __future__ import annotations

import json
import subprocess

from tests.bench.tools import PYTHON, RESULTS, ROOT, CannotMeasure, run, tool, upstream

NODE = "node1"


def main() -> None:
    config, report = ROOT / ".lab/kubeconfig", RESULTS / "pods.json"
    if not config.exists():
        raise CannotMeasure("there is no lab: run `make lab` first")
    image = subprocess.run(
        [str(ROOT / ".lab/image"), "busybox"], capture_output=True, text=True, check=True
    ).stdout.strip()
    _pull(image)
    ssh = f"{ROOT}/.lab/ssh {NODE} sh -c"
    leftovers = {
        "veths": f"{ssh} 'ip -o link show type veth'",
        "volumes": f"{ssh} 'grep kubelet/pods /proc/mounts || true'",
        "sandboxes": f"{ssh} 'ls /run/containerd/io.containerd.runtime.v2.task/k8s.io'",
    }
    arguments = [one for name, command in leftovers.items() for one in ("--leftover", f"{name}={command}")]
    command = [tool("podbench.py"), "--kubeconfig", str(config), "--node", NODE, "--image", image, "--label", "sampan"]
    matches = ["--match", "nodeagent=nodeagent run", "--match", "shims=containerd-shim"]
    run(PYTHON, *command, *matches, *arguments, "--rest", "30", "--pause", "2", "--json", str(report), check=False)
    for name in ("kubelet-1.20", "kubelet-1.20-qps50"):
        run(PYTHON, tool("podbench.py"), "--compare", upstream(name), str(report))


def _pull(image: str) -> None:
    """Have the image on the node: the bench's pods never pull."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bench-pull"},
        "spec": {
            "nodeName": NODE,
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": image, "command": ["true"]}],
        },
    }
    kubectl = [str(ROOT / ".venv/bin/kubectl"), "--kubeconfig", str(ROOT / ".lab/kubeconfig")]
    subprocess.run([*kubectl, "apply", "-f", "-"], input=json.dumps(pod).encode(), check=True, capture_output=True)
    done = ["wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/bench-pull", "--timeout=60s"]
    subprocess.run([*kubectl, *done], check=True, capture_output=True)
    subprocess.run([*kubectl, "delete", "pod", "bench-pull"], check=True, capture_output=True)
