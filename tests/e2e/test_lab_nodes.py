"""Nodes: leases, silence, and coming back."""

from __future__ import annotations

from tests.e2e.conftest import Lab


def ready(lab: Lab, node: str) -> str:
    conditions = lab.get("node", node)["status"]["conditions"]
    status: str = next(one["status"] for one in conditions if one["type"] == "Ready")
    return status


def test_the_lease_is_renewed_every_ten_seconds(lab: Lab) -> None:
    node = lab.workers()[0]
    first = lab.get("lease", node, "-n", "kube-node-lease")["spec"]
    assert (first["holderIdentity"], first["leaseDurationSeconds"]) == (node, 40)
    lab.until(
        "a renewal",
        lambda: lab.get("lease", node, "-n", "kube-node-lease")["spec"]["renewTime"] != first["renewTime"],
        seconds=15,
    )


def test_a_silent_node_is_tainted_and_comes_back(lab: Lab) -> None:
    node = lab.workers()[-1]
    lab.on(node, "systemctl stop sampan-nodeagent")
    try:
        lab.until("Unknown", lambda: ready(lab, node) == "Unknown", seconds=75)
        taints = {taint["key"] for taint in lab.get("node", node)["spec"].get("taints", [])}
        assert "node.kubernetes.io/unreachable" in taints
    finally:
        lab.on(node, "systemctl start sampan-nodeagent")
    lab.until("Ready again", lambda: ready(lab, node) == "True", seconds=30)
    lab.until("no taint", lambda: not lab.get("node", node)["spec"].get("taints"), seconds=30)


def test_a_cordoned_node_gets_no_pods(lab: Lab) -> None:
    one, two = lab.workers()[:2]
    lab.ok("cordon", one)
    try:
        lab.ok("create", "deployment", "web", f"--image={lab.image('busybox')}", "--replicas=3", "--", "sleep", "3600")
        lab.ok("rollout", "status", "deployment/web", "--timeout=60s")
        assert {pod["spec"]["nodeName"] for pod in lab.get("pods")["items"]} == {two}
    finally:
        lab.ok("uncordon", one)


def test_a_pod_that_fits_nowhere_says_why(lab: Lab) -> None:
    lab.apply(lab.pod("huge", container={"command": ["sleep", "1"], "resources": {"requests": {"cpu": "100"}}}))

    def reason() -> str:
        events = lab.get("events", "--field-selector=reason=FailedScheduling")["items"]
        return events[0]["message"] if events else ""

    message = lab.until("FailedScheduling", reason)
    assert message.startswith("0/3 nodes are available:") and "2 Insufficient cpu" in message, message
