"""One autoscaler, two faces: what v1 has no field for goes into annotations and comes back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.codec import Document
from controlplane.api.resources import BY_KIND, RESOURCES
from controlplane.apiserver.conversions import conversion_of, stored_as
from controlplane.apiserver.conversions.horizontal_pod_autoscalers import from_v2, to_v2

_TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
_PREFIX = "autoscaling.alpha.kubernetes.io/"


def v1(annotations: dict[str, str] | None = None, status: Document | None = None, **spec: Any) -> Document:
    metadata: Document = {"name": "web"} | ({"annotations": annotations} if annotations else {})
    document = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": metadata}
    document["spec"] = {"scaleTargetRef": _TARGET, "minReplicas": 1, "maxReplicas": 3, **spec}
    return document | ({"status": status} if status else {})


def v2(metrics: list[Document], status: Document | None = None, **spec: Any) -> Document:
    document = v1(status=status, metrics=metrics, **spec)
    return document | {"apiVersion": "autoscaling/v2"}


def cpu(percent: int) -> Document:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}
CONTAINER = {
    "type": "ContainerResource",
    "containerResource": {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 60},
        "container": "app",
    },
}
PODS = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "qps", "selector": {"matchLabels": {"verb": "GET"}}},
        "target": {"type": "AverageValue", "averageValue": "10"},
    },
}
INGRESS = {"kind": "Ingress", "name": "main", "apiVersion": "networking.k8s.io/v1"}
OBJECT = {
    "type": "Object",
    "object": {
        "describedObject": INGRESS,
        "metric": {"name": "rps"},
        "target": {"type": "Value", "value": "2k"},
    },
}
OBJECT_AVERAGE = {
    "type": "Object",
    "object": {
        "describedObject": INGRESS,
        "metric": {"name": "rps"},
        "target": {"type": "AverageValue", "averageValue": "5"},
    },
}
EXTERNAL = {
    "type": "External",
    "external": {
        "metric": {"name": "queue", "selector": {"matchLabels": {"q": "mail"}}},
        "target": {"type": "AverageValue", "averageValue": "30"},
    },
}
BEHAVIOR = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}],
    },
    "scaleDown": {"selectPolicy": "Min", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(v1(targetCPUUtilizationPercentage=50), v2([cpu(50)]), id="the CPU has a field of its own"),
        pytest.param(v1(), v2([cpu(80)]), id="no metric at all means 80 % of the CPU"),
        pytest.param(
            v1(
                {
                    _PREFIX
                    + "metrics": '[{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":70}}]'
                }
            ),
            v2(
                [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "memory",
                            "target": {"averageUtilization": 70, "type": "Utilization"},
                        },
                    }
                ]
            ),
            id="other metrics come from the annotation",
        ),
        pytest.param(v1({_PREFIX + "metrics": "["}), v2([cpu(80)]), id="an annotation that is no JSON is absent"),
        pytest.param(
            v1({_PREFIX + "behavior": '{"scaleUp": 7}'}), v2([cpu(80)]), id="one of the wrong shape is absent as well"
        ),
        pytest.param(
            v1(status={"currentReplicas": 1, "desiredReplicas": 2, "currentCPUUtilizationPercentage": 40}),
            v2(
                [cpu(80)],
                status={
                    "currentReplicas": 1,
                    "desiredReplicas": 2,
                    "currentMetrics": [
                        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 40}}}
                    ],
                },
            ),
            id="the CPU of the status",
        ),
    ],
)
def test_to_v2(old: Document, new: Document) -> None:
    assert to_v2(old) == new


def test_what_v1_cannot_say_is_written_as_upstream_writes_it() -> None:
    current = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 3}}}]
    conditions = [{"status": "True", "type": "AbleToScale", "reason": "Ready"}]
    status = {"currentReplicas": 1, "currentMetrics": current, "conditions": conditions}
    old = from_v2(v2([cpu(50), PODS], status, behavior=BEHAVIOR))
    assert old["spec"]["targetCPUUtilizationPercentage"] == 50
    assert old["status"] == {"currentReplicas": 1, "currentCPUUtilizationPercentage": 3}
    assert old["metadata"]["annotations"] == {
        _PREFIX + "metrics": '[{"type":"Pods","pods":{"metricName":"qps","targetAverageValue":"10",'
        '"selector":{"matchLabels":{"verb":"GET"}}}}]',
        _PREFIX + "current-metrics": '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":3,'
        '"currentAverageValue":"0"}}]',
        _PREFIX + "behavior": '{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":'
        '[{"Type":"Pods","Value":4,"PeriodSeconds":15}],"Tolerance":null},"ScaleDown":'
        '{"StabilizationWindowSeconds":null,"SelectPolicy":"Min","Policies":[{"Type":"Percent","Value":100,'
        '"PeriodSeconds":15}],"Tolerance":null}}',
        _PREFIX + "conditions": '[{"type":"AbleToScale","status":"True","reason":"Ready"}]',
    }


def test_the_annotations_of_v1_are_not_of_v2() -> None:
    annotated = v1({_PREFIX + "conditions": "[]", "mine": "yes"})
    assert to_v2(annotated)["metadata"]["annotations"] == {"mine": "yes"}
    stale = v2([cpu(50)]) | {"metadata": {"name": "web", "annotations": {_PREFIX + "metrics": "stale"}}}
    assert "annotations" not in from_v2(stale)["metadata"]


metric_lists = st.lists(
    st.sampled_from([MEMORY, CONTAINER, PODS, OBJECT, OBJECT_AVERAGE, EXTERNAL]) | st.builds(cpu, st.integers(1, 100)),
    min_size=1,
    max_size=4,
    unique_by=lambda metric: msgspec.json.encode(metric),
)
# The CPU target that has a field of its own comes first on the way back: only one may be there, and in front.
orderly = metric_lists.map(
    lambda metrics: (
        sorted(metrics, key=lambda m: m["type"] != "Resource" or m["resource"]["name"] != "cpu")
        if sum(m["type"] == "Resource" and m["resource"]["name"] == "cpu" for m in metrics) <= 1
        else metrics[:1]
    )
)


@given(orderly, st.none() | st.just(BEHAVIOR), st.booleans())
def test_nothing_is_lost_on_the_way_to_v1_and_back(
    metrics: list[Document], behavior: Document | None, conditions: bool
) -> None:
    status: Document = {"currentReplicas": 1, "desiredReplicas": 1}
    if conditions:
        status["conditions"] = [{"type": "ScalingActive", "status": "False", "reason": "Why", "message": "because"}]
    original = v2(metrics, status, **({"behavior": behavior} if behavior else {}))
    assert to_v2(from_v2(original)) == original


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_annotation_breaks_the_conversion(value: Any) -> None:
    text = msgspec.json.encode(value).decode()
    converted = to_v2(v1({_PREFIX + name: text for name in ("metrics", "behavior", "current-metrics", "conditions")}))
    stored = stored_as(BY_KIND["autoscaling/v1", "HorizontalPodAutoscaler"])
    msgspec.convert(converted, stored.type)


def test_every_prefix_has_one_stored_version() -> None:
    for resource in RESOURCES:
        assert conversion_of(stored_as(resource)) is None, resource
