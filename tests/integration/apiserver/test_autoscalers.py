"""HorizontalPodAutoscalers through both of their versions."""

from __future__ import annotations

from typing import Any

from tests.integration.apiserver.conftest import Asker, Document

V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
MERGE = "application/merge-patch+json"
ANNOTATION = "autoscaling.alpha.kubernetes.io/metrics"


def autoscaler(version: str, **spec: Any) -> Document:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec},
    }


PODS = {
    "type": "Pods",
    "pods": {"metric": {"name": "qps"}, "target": {"type": "AverageValue", "averageValue": "10"}},
}


async def test_what_one_version_writes_the_other_shows(ask: Asker) -> None:
    made = await ask("POST", V1, autoscaler("v1", targetCPUUtilizationPercentage=50))
    assert made.status == 201, made.body
    assert made.body["apiVersion"] == "autoscaling/v1"
    new = (await ask("GET", f"{V2}/web")).body
    assert new["apiVersion"] == "autoscaling/v2"
    assert new["spec"]["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 50}
    patched = await ask("PATCH", f"{V2}/web", {"spec": {"metrics": [PODS]}}, content_type=MERGE)
    assert patched.status == 200, patched.body
    old = (await ask("GET", f"{V1}/web")).body
    assert "targetCPUUtilizationPercentage" not in old["spec"]
    assert "qps" in old["metadata"]["annotations"][ANNOTATION]


async def test_a_write_through_v1_keeps_what_v1_cannot_say(ask: Asker) -> None:
    await ask("POST", V2, autoscaler("v2", metrics=[PODS]))
    old = (await ask("GET", f"{V1}/web")).body
    old["spec"]["maxReplicas"] = 9
    written = await ask("PUT", f"{V1}/web", old)
    assert written.status == 200, written.body
    new = (await ask("GET", f"{V2}/web")).body
    assert new["spec"]["maxReplicas"] == 9
    assert new["spec"]["metrics"] == [PODS]
    assert "annotations" not in new["metadata"]
    again = await ask("PUT", f"{V1}/web", written.body)
    assert again.body["metadata"]["resourceVersion"] == written.body["metadata"]["resourceVersion"]


async def test_lists_and_watches_speak_the_version_asked_for(ask: Asker) -> None:
    await ask("POST", V2, autoscaler("v2", metrics=[PODS]))
    listed = (await ask("GET", V1)).body
    assert (listed["apiVersion"], listed["kind"]) == ("autoscaling/v1", "HorizontalPodAutoscalerList")
    assert ANNOTATION in listed["items"][0]["metadata"]["annotations"]
    partial = await ask("GET", V1, accept="application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
    assert ANNOTATION in partial.body["items"][0]["metadata"]["annotations"]
