"""What users see: kubectl against a definition and its objects; and a collector that follows owners of every kind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from controlplane.testing import Cluster, cluster
from tests.integration.custom_resources.conftest import a_definition, a_version, a_widget

_KUBECTL = str(Path(sys.executable).parent / "kubectl")
_DESCRIBED = {
    "openAPIV3Schema": {
        "type": "object",
        "description": "A widget is a thing.",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "colour": {"type": "string"},
                    "size": {"type": "integer", "default": 3, "description": "How big it is."},
                    "replicas": {"type": "integer"},
                },
            },
            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
        },
    }
}
_COLUMNS = [{"name": "Colour", "type": "string", "jsonPath": ".spec.colour"},
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]  # fmt: skip

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as one:
        yield one


@pytest.fixture(scope="module")
def kubectl(running: Cluster) -> Kubectl:
    def run(
        command: str, document: object = None, *more: str, editor: str = "true"
    ) -> subprocess.CompletedProcess[str]:
        environment = {**running.environ, "KUBE_EDITOR": editor}
        return subprocess.run(
            [_KUBECTL, *command.split(), *more], input=yaml.safe_dump(document) if document else "",
            capture_output=True, text=True, timeout=60, check=False, env=environment,
        )  # fmt: skip

    made = run("create -f -", a_definition(a_version(schema=_DESCRIBED, additionalPrinterColumns=_COLUMNS)))
    assert made.returncode == 0, made.stderr
    assert run("wait --for=condition=Established crd/widgets.example.com --timeout=20s").returncode == 0
    return run


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_apply_get_edit_scale_delete(kubectl: Kubectl) -> None:
    assert ok(kubectl("apply -f -", a_widget("k", replicas=1))) == "widget.example.com/k created\n"
    assert ok(kubectl("apply -f -", a_widget("k", replicas=1))) == "widget.example.com/k unchanged\n"
    assert ok(kubectl("apply -f -", a_widget("k", colour="green", replicas=1))) == "widget.example.com/k configured\n"
    header, row = ok(kubectl("get wi k")).splitlines()
    assert header.split() == ["NAME", "COLOUR", "AGE"] and row.split()[:2] == ["k", "green"]
    assert ok(kubectl("get widgets k -o wide")).splitlines()[1].split()[:3] == ["k", "green", "3"]
    assert ok(kubectl("scale widget/k --replicas=4")) == "widget.example.com/k scaled\n"
    assert ok(kubectl("edit widget k", editor="sed -i s/green/red/")) == "widget.example.com/k edited\n"
    assert ok(kubectl("get widget k -o jsonpath={.spec}")) == '{"colour":"red","replicas":4,"size":3}'
    assert ok(kubectl("patch widget k --type=merge -p", None, '{"status":{"replicas":4}}', "--subresource=status"))
    assert ok(kubectl("label widget k a=b")) == "widget.example.com/k labeled\n"
    assert ok(kubectl("delete widget k")).startswith('widget.example.com "k" deleted')


def test_mistakes_and_conflicts(kubectl: Kubectl) -> None:
    wrong = kubectl("create -f -", a_widget("m", size="x"))
    assert 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"' in wrong.stderr
    unknown = kubectl("create -f -", a_widget("m", colours=1))
    assert 'strict decoding error: unknown field "spec.colours"' in unknown.stderr
    ok(kubectl("apply --server-side --field-manager=one -f -", a_widget("m")))
    conflict = kubectl("apply --server-side --field-manager=two -f -", a_widget("m", colour="green"))
    assert 'conflict with "one": .spec.colour' in conflict.stderr
    assert "serverside-applied" in ok(
        kubectl("apply --server-side --force-conflicts -f -", a_widget("m", colour="green"))
    )
    assert "widget.example.com/m created" not in ok(kubectl("diff -f -", a_widget("m", colour="green")))


def test_explain_and_api_resources(kubectl: Kubectl) -> None:
    assert "A widget is a thing." in ok(kubectl("explain widget"))
    size = ok(kubectl("explain widget.spec.size"))
    assert "FIELD: size <integer>" in size and "How big it is." in size
    row = ok(kubectl("api-resources --api-group=example.com --no-headers")).split()
    assert row == ["widgets", "wi", "example.com/v1", "true", "Widget"]


def test_owners_of_every_kind(kubectl: Kubectl) -> None:
    """A ConfigMap goes with the widget that owns it, and a widget with its ConfigMap."""
    ok(kubectl("create -f -", a_widget("owner")))
    uid = ok(kubectl("get widget owner -o jsonpath={.metadata.uid}"))
    owner = {"apiVersion": "example.com/v1", "kind": "Widget", "name": "owner", "uid": uid}
    owned = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "ownerReferences": [owner]}}
    ok(kubectl("create -f -", owned))
    map_uid = ok(kubectl("get configmap owned -o jsonpath={.metadata.uid}"))
    below = a_widget("below")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owned", "uid": map_uid, "blockOwnerDeletion": True}
    below["metadata"]["ownerReferences"] = [reference]
    ok(kubectl("create -f -", below))
    ok(kubectl("delete widget owner"))
    ends = time.monotonic() + 40
    while "below" in ok(kubectl("get widgets -o name")) or kubectl("get configmap owned").returncode == 0:
        assert time.monotonic() < ends, ok(kubectl("get widgets,configmaps -o yaml"))
        time.sleep(0.2)


def test_a_namespace_takes_its_objects_along(kubectl: Kubectl) -> None:
    ok(kubectl("create namespace doomed"))
    ok(kubectl("create -n doomed -f -", a_widget()))
    ok(kubectl("delete namespace doomed --timeout=60s"))
    assert ok(kubectl("get widgets -A -o name")).count("widget.example.com/a\n") == 0
