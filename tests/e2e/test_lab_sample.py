"""The sample that `make lab` applied: nginx through every way in."""

from __future__ import annotations

from tests.e2e.conftest import Lab, run

PAGE = "Welcome to nginx"


def test_every_node_is_ready(lab: Lab) -> None:
    for node in lab.get("nodes")["items"]:
        ready = next(one for one in node["status"]["conditions"] if one["type"] == "Ready")
        assert (node["metadata"]["name"], ready["status"]) == (node["metadata"]["name"], "True")


def test_the_page_through_the_cluster_ip_from_every_machine(lab: Lab) -> None:
    address = lab.get("service", "nginx-service", "-n", "default")["spec"]["clusterIP"]
    for machine in lab.machines():
        assert PAGE in lab.on(machine, f"curl -sS --max-time 5 http://{address}/")


def test_the_page_through_a_node_port_from_outside(lab: Lab) -> None:
    for node in lab.get("nodes")["items"]:
        address = next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")
        done = run("ip", "netns", "exec", "sampan-switch", "curl", "-sS", "--max-time", "5", f"http://{address}:30080/")
        assert PAGE in done.out, f"{address}: {done.err}"


def test_pod_to_pod_across_nodes(lab: Lab) -> None:
    one, two = lab.workers()[:2]
    lab.apply(lab.pod("client", nodeName=one, container={"command": ["sleep", "3600"]}))
    lab.apply(lab.pod("server", nodeName=two, container={"image": lab.image("nginx")}))
    lab.ready("client")
    address = lab.ready("server")["status"]["podIP"]
    assert PAGE in lab.ok("exec", "client", "--", "wget", "-qO-", "-T", "5", f"http://{address}/")


def test_names_resolve_in_a_pod(lab: Lab) -> None:
    lab.apply(lab.pod("client", container={"command": ["sleep", "3600"]}))
    lab.ready("client")
    assert PAGE in lab.ok("exec", "client", "--", "wget", "-qO-", "-T", "5", "http://nginx-service.default/")
    for name, address in (
        (
            "nginx-service.default.svc.cluster.local",
            lab.get("service", "nginx-service", "-n", "default")["spec"]["clusterIP"],
        ),
        ("kubernetes.default.svc.cluster.local", "10.96.0.1"),
    ):
        assert address in lab.ok("exec", "client", "--", "nslookup", name)
    assert lab.kubectl("exec", "client", "--", "nslookup", "nobody.default.svc.cluster.local").code != 0
