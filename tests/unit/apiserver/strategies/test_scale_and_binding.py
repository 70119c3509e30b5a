"""The scale and binding subresources."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from controlplane.api.resources import BY_KIND
from controlplane.api.status import Conflict, Invalid, StatusError
from controlplane.apiserver.strategies.binding import apply_binding
from controlplane.apiserver.strategies.scale import apply_scale, scale_of

DEPLOYMENTS, CONTROLLERS = BY_KIND["apps/v1", "Deployment"], BY_KIND["v1", "ReplicationController"]
WEB: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}},
    "status": {"replicas": 2},
}


def test_scale_of_a_deployment() -> None:
    assert scale_of(DEPLOYMENTS, WEB) == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7"},
        "spec": {"replicas": 3},
        "status": {"replicas": 2, "selector": "app=web"},
    }


def test_selector_of_a_replication_controller_is_plain_labels() -> None:
    assert scale_of(CONTROLLERS, {"spec": {"selector": {"b": "2", "a": "1"}}})["status"]["selector"] == "a=1,b=2"


@pytest.mark.parametrize(
    ("scale", "error"),
    [
        pytest.param({"spec": {"replicas": 5}}, None, id="five"),
        pytest.param({"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 5}}, None, id="of this version"),
        pytest.param({"metadata": {"resourceVersion": "6"}, "spec": {"replicas": 5}}, Conflict, id="of an old one"),
        pytest.param({"metadata": {"uid": "v"}, "spec": {"replicas": 5}}, Conflict, id="of another object"),
        pytest.param({"spec": {"replicas": -1}}, Invalid, id="less than none"),
    ],
)
def test_apply_scale(scale: dict[str, Any], error: type[StatusError] | None) -> None:
    document = copy.deepcopy(WEB)
    if error is not None:
        with pytest.raises(error):
            apply_scale(DEPLOYMENTS, document, scale)
        assert document == WEB
    else:
        apply_scale(DEPLOYMENTS, document, scale)
        assert document["spec"]["replicas"] == 5


NOW = "2026-01-01T00:00:00Z"
TO_N1 = {"metadata": {"name": "web-0"}, "target": {"kind": "Node", "name": "n1"}}


def a_pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web-0", "uid": "u"}, "spec": spec}


def test_binding_gives_the_pod_its_node() -> None:
    pod = a_pod()
    pod["status"] = {"conditions": [{"type": "PodScheduled", "status": "False"}, {"type": "Ready", "status": "False"}]}
    apply_binding(pod, {**TO_N1, "metadata": {"annotations": {"why": "score"}}}, NOW)
    assert pod["spec"]["nodeName"] == "n1"
    assert pod["metadata"]["annotations"] == {"why": "score"}
    assert pod["status"]["conditions"] == [
        {"type": "Ready", "status": "False"},
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": NOW},
    ]


@pytest.mark.parametrize(
    ("pod", "binding", "error", "why"),
    [
        pytest.param(
            a_pod(nodeName="n0"),
            TO_N1,
            Conflict,
            'Operation cannot be fulfilled on pods "web-0": pod web-0 is already assigned to node "n0"',
            id="it has a node",
        ),
        pytest.param(
            a_pod(schedulingGates=[{"name": "a"}]), TO_N1, Conflict, "non-empty .spec.schedulingGates", id="gated"
        ),
        pytest.param(
            {"metadata": {"name": "web-0", "deletionTimestamp": NOW}, "spec": {}},
            TO_N1,
            Conflict,
            "is being deleted, cannot be assigned to a host",
            id="it is ending",
        ),
        pytest.param(
            a_pod(), {**TO_N1, "metadata": {"uid": "v"}}, Conflict, "Precondition failed: UID", id="another pod"
        ),
        pytest.param(a_pod(), {"target": {}}, Invalid, "target.name: Required value", id="no node"),
        pytest.param(
            a_pod(),
            {"target": {"kind": "Pod", "name": "n"}},
            Invalid,
            'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
            id="no node's kind",
        ),
    ],
)
def test_binding_refused(pod: dict[str, Any], binding: dict[str, Any], error: type[StatusError], why: str) -> None:
    before = copy.deepcopy(pod)
    with pytest.raises(error) as caught:
        apply_binding(pod, binding, NOW)
    assert why in caught.value.message
    assert pod == before
