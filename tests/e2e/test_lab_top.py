"""kubectl top, without an add-on."""

from __future__ import annotations

import json

from tests.e2e.conftest import Lab


def rows(said: str) -> dict[str, list[str]]:
    """By the first word of each line; `--no-headers` output."""
    return {name: rest for name, *rest in (line.split() for line in said.splitlines())}


def test_every_node_tells_what_it_uses(lab: Lab) -> None:
    found = rows(lab.ok("top", "nodes", "--no-headers"))
    assert set(found) == set(lab.machines())
    for cpu, _, memory, share in found.values():
        assert cpu.endswith("m") and memory.endswith("Mi") and share.endswith("%"), found


def test_a_busy_pod_is_seen_to_be(lab: Lab) -> None:
    busy = {"command": ["sh", "-c", "while :; do :; done"], "resources": {"limits": {"cpu": "200m", "memory": "32Mi"}}}
    lab.apply(lab.pod("busy", container=busy), lab.pod("idle", container={"command": ["sleep", "3600"]}))
    lab.ok("wait", "--for=condition=Ready", "pod/busy", "pod/idle", "--timeout=60s")

    def both() -> dict[str, list[str]]:
        found = rows(lab.ok("top", "pods", "--no-headers", "--sort-by=cpu"))
        return found if set(found) == {"busy", "idle"} else {}

    found = lab.until("figures of both", both)
    cores = {name: int(rest[0].removesuffix("m")) for name, rest in found.items()}
    assert 100 <= cores["busy"] <= 250 and cores["idle"] <= 20, found
    assert list(found) == ["busy", "idle"]
    line = lab.ok("top", "pod", "busy", "--containers", "--no-headers").split()
    assert line[0] == "busy" and int(line[2].removesuffix("m")) > 0


def test_it_is_an_api_like_any_other(lab: Lab) -> None:
    service = lab.get("apiservice", "v1beta1.metrics.k8s.io")
    assert "service" not in service["spec"]
    assert lab.get("nodes.metrics.k8s.io")["kind"] == "List"
    assert lab.ok("auth", "can-i", "list", "pods.metrics.k8s.io", "--as=jane", "--as-group=system:masters") == "yes\n"


def test_the_summary_and_the_metrics_pages(lab: Lab) -> None:
    node = lab.workers()[0]
    path = f"/api/v1/nodes/{node}/proxy/stats/summary?only_cpu_and_memory=true"
    summary = json.loads(lab.ok("get", "--raw", path))
    assert summary["node"]["nodeName"] == node
    text = lab.ok("get", "--raw", f"/api/v1/nodes/{node}/proxy/metrics/cadvisor")
    for name in ("machine_cpu_cores", "container_spec_cpu_shares", "container_threads", "container_fs_limit_bytes"):
        assert f"\n{name}{{" in text, name
