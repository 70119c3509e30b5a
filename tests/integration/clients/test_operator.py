"""A kopf operator with its CustomResourceDefinition: finalizers, status, events and deletion."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane.testing import Cluster

BIN = Path(sys.executable).parent
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "greetings.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "greetings", "kind": "Greeting"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["to"],
                                "properties": {"to": {"type": "string", "minLength": 1}},
                                "x-kubernetes-validations": [
                                    {"rule": "self.to != 'nobody'", "message": "somebody must be greeted"}
                                ],
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


class Kubectl:
    def __init__(self, cluster: Cluster, namespace: str):
        self._cluster, self._namespace = cluster, namespace

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "kubectl"), "-n", self._namespace, *arguments],
            env=self._cluster.environ, input=stdin, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def ok(self, *arguments: str, stdin: str = "") -> str:
        done = self(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Kubectl]:
    """kubectl, with the operator running for the namespace."""
    user = Kubectl(cluster, namespace)
    user.ok("apply", "-f", "-", stdin=yaml.safe_dump(DEFINITION))
    user.ok("wait", "--for=condition=Established", "crd/greetings.example.com", "--timeout=20s")
    program = Path(__file__).with_name("operator.py")
    log = (tmp_path / "operator.log").open("w")
    running = subprocess.Popen(
        [str(BIN / "kopf"), "run", str(program), "--namespace", namespace, "--standalone"],
        env=cluster.environ, stdout=log, stderr=log,
    )  # fmt: skip
    try:
        yield user
        assert running.poll() is None, (tmp_path / "operator.log").read_text()
    finally:
        user("delete", "greetings", "--all", "--timeout=30s")
        running.terminate()
        running.wait(30)
        log.close()
        user("delete", "crd", "greetings.example.com", "--timeout=30s")


def until(holds: Callable[[], Any], seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.2)
    return found


def greeting(to: str) -> str:
    return yaml.safe_dump(
        {"apiVersion": "example.com/v1", "kind": "Greeting", "metadata": {"name": "one"}, "spec": {"to": to}}
    )


def test_an_operator_does_its_work(kubectl: Kubectl) -> None:
    refused = kubectl("apply", "-f", "-", stdin=greeting("nobody"))
    assert "somebody must be greeted" in refused.stderr
    kubectl.ok("apply", "-f", "-", stdin=greeting("world"))

    def text() -> str:
        return kubectl("get", "configmap", "one", "-o", "jsonpath={.data.text}").stdout

    until(lambda: text() == "Hello, world")
    until(lambda: kubectl.ok("get", "greeting", "one", "-o", "jsonpath={.status.create.configMap}") == "one")
    found = json.loads(kubectl.ok("get", "greeting", "one", "-o", "json"))
    assert found["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
    kubectl.ok("apply", "-f", "-", stdin=greeting("moon"))
    until(lambda: text() == "Hello, moon")
    until(lambda: "greeted the world" in kubectl.ok("get", "events", "-o", "jsonpath={..message}"))
    kubectl.ok("delete", "greeting", "one", "--timeout=30s")
    until(lambda: kubectl("get", "configmap", "one").returncode != 0)
