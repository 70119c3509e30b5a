"""Apply examples/nginx.yaml and show it working, each way a request can come: that is what `make lab` ends with."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import access, cgroups, images, machine, network
from lab.cluster import Cluster
from lab.paths import PROJECT, STATE
from lab.step import LabError, run, shown, step, try_run, wait_until

SAMPLE = PROJECT / "examples" / "nginx.yaml"
PUBLIC_IMAGE = "nginx:1.14.2"
GREETING = "Welcome to nginx!"
MIB = 1 << 20


def kubectl(*arguments: str, stdin: str | None = None, timeout: float = 180) -> str:
    return run(access.KUBECTL, "--kubeconfig", access.KUBECONFIG, *arguments, stdin=stdin, timeout=timeout)


def get(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(kubectl("get", "-o", "json", *arguments))
    return document


def wait_for_nodes(cluster: Cluster) -> None:
    """Every machine is a node, and Ready."""
    wanted = {m.name for m in cluster.machines}
    hint = "kubectl describe nodes says why; on the machine: journalctl -u sampan-nodeagent"

    def all_ready() -> bool:
        nodes = {node["metadata"]["name"]: node for node in get("nodes")["items"]}
        return all(name in nodes and _is_ready(nodes[name]) for name in wanted)

    wait_until(f"the nodes {', '.join(sorted(wanted))} to be Ready", all_ready, seconds=60, hint=hint)


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def show(cluster: Cluster) -> None:
    with step("applying examples/nginx.yaml with the image from the lab's registry"):
        image = images.reference("nginx", cluster.registry)
        _say(f"sed s#{PUBLIC_IMAGE}#{image}# examples/nginx.yaml | kubectl apply -f -")
        print(kubectl("apply", "-f", "-", stdin=SAMPLE.read_text().replace(PUBLIC_IMAGE, image)), end="")
        _wait_for_pods()
        if len({pod["spec"]["nodeName"] for pod in _pods()}) == 1:  # where a drain, or a node that was away, left them
            _say("kubectl rollout restart deployment/nginx-deployment    # for all its pods are on one node")
            kubectl("rollout", "restart", "deployment/nginx-deployment")
            _wait_for_pods()
    what = ("get", "nodes,pods,svc,endpointslices", "-o", "wide")
    _say(shown(["kubectl", *what]))
    print(kubectl(*what))
    _through_the_service(cluster)
    _from_outside(cluster)
    _pod_to_pod()


def _wait_for_pods() -> None:
    try:
        kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=120s")
    except LabError as error:
        said = try_run(access.KUBECTL, "--kubeconfig", access.KUBECONFIG, "describe", "pods", "-l", "app=nginx").stdout
        raise LabError(
            f"{error}\n{said[-3000:]}\nmore: kubectl get events; on the node: journalctl -u sampan-nodeagent"
        ) from error


def _pods() -> list[dict[str, Any]]:
    """The sample's pods that have an address and are not on their way out."""
    return [
        pod
        for pod in get("pods", "-l", "app=nginx")["items"]
        if pod["status"].get("podIP") and "deletionTimestamp" not in pod["metadata"]
    ]


def _through_the_service(cluster: Cluster) -> None:
    address = get("service", "nginx-service")["spec"]["clusterIP"]
    with step("the page through the ClusterIP, from every node"):
        for node in cluster.machines:
            _fetch(f".lab/ssh {node.name}", [machine.LAB / "enter", STATE, node.name], f"http://{address}/")


def _from_outside(cluster: Cluster) -> None:
    port = get("service", "nginx-nodeport")["spec"]["ports"][0]["nodePort"]
    with step("the page through the NodePort of every node, from outside the nodes"):
        for node in cluster.machines:
            outside = ["ip", "netns", "exec", network.SWITCH]
            _fetch(shown(outside), outside, f"http://{node.address}:{port}/")


def _fetch(shown_as: str, where: Sequence[Path | str], url: str) -> None:
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "5"]
    pages: list[str] = []

    def answered() -> bool:
        done = try_run(*where, *command, url, timeout=10)
        pages.append(done.stdout or done.stderr)
        return GREETING in done.stdout

    hint = f"last answer: {'{}'}; try it: {shown_as} curl {url}; on the node: iptables-legacy-save -t nat"
    try:
        # A rollout's last endpoint may be a moment younger than the node's last rule.
        wait_until(f"the page at {url} ({shown_as})", answered, seconds=10)
    except LabError as error:
        raise LabError(f"{error}\n{hint.format(pages[-1].strip())}") from error
    print(f"    {shown_as} curl {url}  ->  {_served_by(pages[-1])}")


def _pod_to_pod() -> None:
    by_node = {pod["spec"]["nodeName"]: pod for pod in _pods()}
    with step("pod to pod, across nodes, by pod IP"):
        if len(by_node) < 2:
            raise LabError("all pods of the sample are on one node: kubectl get pods -o wide, kubectl describe nodes")
        ordered = [by_node[name] for name in sorted(by_node)]
        for source, target in zip(ordered, [*ordered[1:], ordered[0]], strict=True):
            name, url = source["metadata"]["name"], f"http://{target['status']['podIP']}/"
            page = kubectl("exec", name, "--", "wget", "-q", "-O", "-", "-T", "5", url, timeout=20)
            if GREETING not in page:
                node = source["spec"]["nodeName"]
                raise LabError(f"{name} got no page from {url}; look at .lab/ssh {node} tcpdump -ni eth0 udp port 8472")
            print(f"    kubectl exec {name} -- wget -q -O - {url}  ->  {_served_by(page)}")


def _served_by(page: str) -> str:
    marker = "Served by "
    return page.partition(marker)[2].partition(".")[0] if marker in page else GREETING


def _say(command: str) -> None:
    print(f"    $ {command}")


def what_now(cluster: Cluster, *, with_cluster: bool) -> None:
    used = {m.name: cgroups.memory(m.name) // MIB for m in cluster.machines}
    parts = ", ".join(f"{name} {mib}" for name, mib in used.items())
    print(f"\nMemory, MiB: {parts}; together {sum(used.values())}.")
    if with_cluster:
        print(f"""
Look around:
    export KUBECONFIG={access.KUBECONFIG}
    {access.KUBECTL} get pods -A -o wide
    .lab/ssh master systemctl status 'sampan-*'
    .lab/ssh node1 journalctl -f -u sampan-nodeagent
    .lab/ssh node1 tcpdump -ni eth0 udp port 8472        the overlay's packets""")
    else:
        print("\nLook around:\n    .lab/ssh node1 ctr -n k8s.io images ls")
    print(
        "    .lab/ssh node1                                       a shell on a machine\n"
        "    .lab/image busybox                                   the name of an image to use in a pod\n"
        "    make lab-down                                        removes every trace"
    )
