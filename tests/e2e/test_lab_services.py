"""Services: endpoints come and go, rules follow, somebody flushes them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tests.e2e.conftest import Lab

# Says to whoever asks which address they come from.
MIRROR = """
import http.server
class Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())
http.server.HTTPServer(("192.168.56.1", 18080), Mirror).serve_forever()
"""


def web(lab: Lab, replicas: int = 2) -> list[dict[str, Any]]:
    container = {
        "name": "web",
        "image": lab.image("busybox"),
        "command": ["sh", "-c", "mkdir -p /www; hostname >/www/index.html; exec httpd -f -p 8080 -h /www"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
    return [deployment, service]


def answers(lab: Lab, machine: str, address: str, count: int = 20) -> set[str]:
    """Who answers, asked `count` times; "" for a failure."""
    script = f"for i in $(seq {count}); do curl -s --max-time 2 http://{address}/ || echo; done"
    return set(lab.ssh(machine, script).out.split("\n")) - {""}


def test_a_service_follows_its_pods(lab: Lab) -> None:
    lab.apply(*web(lab))
    lab.ok("rollout", "status", "deployment/web", "--timeout=60s")
    address = lab.get("service", "web")["spec"]["clusterIP"]
    pods = {pod["metadata"]["name"] for pod in lab.get("pods")["items"]}
    for machine in lab.machines():
        lab.until(f"both pods, from {machine}", lambda machine=machine: answers(lab, machine, address) == pods)
    lab.ok("scale", "deployment", "web", "--replicas=0")
    refused = 7  # curl's exit code; a packet that is dropped would be 28, a timeout
    lab.until("a refusal", lambda: lab.ssh("master", f"curl -s --max-time 2 http://{address}/").code == refused)
    lab.ok("scale", "deployment", "web", "--replicas=1")
    lab.until("an answer again", lambda: answers(lab, "master", address))


def test_flushed_rules_come_back(lab: Lab) -> None:
    lab.apply(*web(lab, 1))
    lab.ok("rollout", "status", "deployment/web", "--timeout=60s")
    address = lab.get("service", "web")["spec"]["clusterIP"]
    node = lab.workers()[0]
    lab.until("an answer", lambda: answers(lab, node, address))
    lab.on(node, "iptables -w 5 -t nat -F; iptables -w 5 -F")
    lab.until("an answer again", lambda: answers(lab, node, address), seconds=40)


def test_a_rollout_never_drops_a_request(lab: Lab) -> None:
    documents = web(lab, 3)
    lifecycle = {"preStop": {"exec": {"command": ["sleep", "2"]}}}
    documents[0]["spec"]["template"]["spec"]["containers"][0]["lifecycle"] = lifecycle
    documents[0]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 10
    documents[0]["spec"]["strategy"] = {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    lab.apply(*documents)
    lab.ok("rollout", "status", "deployment/web", "--timeout=60s")
    address = lab.get("service", "web")["spec"]["clusterIP"]
    lab.until("an answer", lambda: answers(lab, "master", address))
    lab.ok("set", "env", "deployment/web", "GENERATION=2")
    script = (
        f"for i in $(seq 100); do curl -s --max-time 2 http://{address}/ >/dev/null || echo failed; sleep 0.1; done"
    )
    assert lab.on("master", script) == ""
    lab.ok("rollout", "status", "deployment/web", "--timeout=60s")
    assert len(lab.get("replicasets")["items"]) == 2
    lab.ok("rollout", "undo", "deployment/web")
    lab.ok("rollout", "status", "deployment/web", "--timeout=60s")


def test_a_pod_reaches_itself_through_its_service(lab: Lab) -> None:
    lab.apply(*web(lab, 1))
    lab.ok("rollout", "status", "deployment/web", "--timeout=60s")
    (pod,) = lab.get("pods")["items"]
    name = pod["metadata"]["name"]
    lab.until(
        "the hairpin",
        lambda: lab.kubectl("exec", name, "--", "wget", "-qO-", "-T", "3", "http://web/").out.strip() == name,
    )


def test_headless_names_are_the_pods(lab: Lab) -> None:
    documents = web(lab, 2)
    documents[1]["spec"]["clusterIP"] = "None"
    lab.apply(*documents)
    lab.ok("rollout", "status", "deployment/web", "--timeout=60s")
    pods = lab.get("pods")["items"]
    addresses = {pod["status"]["podIP"] for pod in pods}
    name = pods[0]["metadata"]["name"]
    looked_up = lab.until(
        "both addresses",
        lambda: (
            addresses
            <= set((out := lab.ok("exec", name, "--", "nslookup", f"web.{lab.namespace}.svc.cluster.local")).split())
            and out
        ),
    )
    assert "10.96.0.10" in looked_up


def test_a_pod_leaves_the_cluster_with_its_nodes_address(lab: Lab) -> None:
    outside = ["ip", "netns", "exec", "sampan-switch", sys.executable, "-c", MIRROR]
    mirror = subprocess.Popen(outside, stderr=subprocess.DEVNULL)
    try:
        lab.apply(lab.pod("client", container={"command": ["sleep", "3600"]}))
        node = lab.ready("client")["spec"]["nodeName"]
        addresses = lab.get("node", node)["status"]["addresses"]
        own = next(one["address"] for one in addresses if one["type"] == "InternalIP")
        ask = ("exec", "client", "--", "wget", "-qO-", "-T", "3", "http://192.168.56.1:18080/")
        assert lab.until("an answer", lambda: lab.kubectl(*ask).out.strip(), seconds=20) == own
    finally:
        mirror.terminate()
        mirror.wait(timeout=10)
