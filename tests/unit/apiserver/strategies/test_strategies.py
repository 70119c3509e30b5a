"""What each kind's strategy sets, keeps and waits for."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.resources import BY_KIND, RESOURCES, Resource
from controlplane.api.status import BadRequest
from controlplane.apiserver.strategies import Caller, strategy_for

JANE = Caller("jane", uid="u-1", groups=("dev", "system:authenticated"), extra={"scopes": ("a",)})
CSR = "certificates.k8s.io/v1"


def created(api_version: str, kind: str, document: dict[str, Any]) -> dict[str, Any]:
    strategy = strategy_for(BY_KIND[api_version, kind])
    document = copy.deepcopy(document)
    strategy.default(document)
    strategy.prepare_create(document, JANE)
    return document


def updated(
    api_version: str, kind: str, new: dict[str, Any], old: dict[str, Any], subresource: str = ""
) -> dict[str, Any]:
    strategy = strategy_for(BY_KIND[api_version, kind])
    new = copy.deepcopy(new)
    strategy.default(new)
    if subresource:
        strategy.prepare_subresource_update(subresource, new, old)
    else:
        strategy.prepare_update(new, old)
    return new


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: f"{resource.kind}.{resource.group}")
def test_sending_back_what_was_read_changes_nothing(resource: Resource) -> None:
    stored = created(resource.api_version, resource.kind, {"metadata": {"name": "x"}})
    assert updated(resource.api_version, resource.kind, stored, stored) == stored


@pytest.mark.parametrize(
    ("api_version", "kind", "status"),
    [
        pytest.param("v1", "Pod", {"phase": "Pending", "qosClass": "BestEffort"}, id="pods are pending"),
        pytest.param("v1", "Node", {"phase": "mine"}, id="nodes come with theirs"),
        pytest.param("v1", "Namespace", {"phase": "Active"}, id="namespaces are active"),
        pytest.param("v1", "PersistentVolumeClaim", {"phase": "Pending"}, id="claims are pending"),
        pytest.param("apps/v1", "Deployment", None, id="deployments have none"),
    ],
)
def test_status_of_a_new_object(api_version: str, kind: str, status: dict[str, Any] | None) -> None:
    document = {"metadata": {"name": "x"}, "status": {"phase": "mine"} if kind != "Deployment" else {"replicas": 3}}
    assert created(api_version, kind, document).get("status") == status


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param([{}], "BestEffort", id="nothing asked"),
        pytest.param([{"requests": {"cpu": "1"}}], "Burstable", id="something asked"),
        pytest.param([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed", id="all limited"),
        pytest.param(
            [{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}],
            "Guaranteed",
            id="the same in other words",
        ),
        pytest.param([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable", id="all of one container"),
        pytest.param([{"limits": {"cpu": "1"}}], "Burstable", id="memory is free"),
        pytest.param([{"requests": {"cpu": "0"}}], "BestEffort", id="zero is nothing"),
    ],
)
def test_qos_class(resources: list[dict[str, Any]], expected: str) -> None:
    containers = [{"name": f"c{index}", "resources": one} for index, one in enumerate(resources)]
    assert created("v1", "Pod", {"spec": {"containers": containers}})["status"]["qosClass"] == expected


def test_gated_pod_says_that_it_waits() -> None:
    pod = created("v1", "Pod", {"spec": {"schedulingGates": [{"name": "a"}]}})
    assert [(one["type"], one["reason"]) for one in pod["status"]["conditions"]] == [
        ("PodScheduled", "SchedulingGated")
    ]


WEB = {"metadata": {"name": "web"}, "spec": {"replicas": 1}}


@pytest.mark.parametrize(
    ("change", "generation"),
    [
        pytest.param({}, 1, id="nothing"),
        pytest.param({"spec": {"replicas": 2}}, 2, id="the spec"),
        pytest.param({"metadata": {"annotations": {"a": "b"}}}, 2, id="an annotation"),
        pytest.param({"metadata": {"labels": {"a": "b"}}}, 1, id="a label"),
        pytest.param({"status": {"replicas": 9}}, 1, id="the status, which stays"),
        pytest.param({"spec": {"template": {"spec": {"volumes": []}}}}, 1, id="an empty list for none"),
        pytest.param({"metadata": {"generation": 9}}, 1, id="the generation itself"),
    ],
)
def test_generation_of_a_deployment(change: dict[str, Any], generation: int) -> None:
    old = created("apps/v1", "Deployment", WEB)
    new = updated("apps/v1", "Deployment", _merged(old, change), old)
    assert new["metadata"]["generation"] == generation
    assert "status" not in new


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in change.items():
        result[key] = _merged(base.get(key, {}), value) if isinstance(value, dict) else value
    return result


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        pytest.param({"spec": {"replicas": 5}}, ("spec",), id="spec"),
        pytest.param({"metadata": {"labels": {"a": "b"}}}, ("metadata", "labels"), id="labels"),
    ],
)
def test_status_of_a_deployment_leaves_the_rest(change: dict[str, Any], kept: tuple[str, ...]) -> None:
    old = created("apps/v1", "Deployment", WEB)
    new = updated("apps/v1", "Deployment", _merged(old, {**change, "status": {"replicas": 3}}), old, "status")
    assert new["status"] == {"replicas": 3}
    assert _at(new, kept) == _at(old, kept)


def _at(document: dict[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = document
    for step in path:
        found = found.get(step)
    return found


def test_scaling_is_an_update() -> None:
    old = created("apps/v1", "Deployment", WEB)
    new = updated("apps/v1", "Deployment", _merged(old, {"spec": {"replicas": 5}}), old, "scale")
    assert (new["spec"]["replicas"], new["metadata"]["generation"]) == (5, 2)


@pytest.mark.parametrize(
    ("spec", "status", "requested", "expected"),
    [
        pytest.param({"nodeName": "n", "terminationGracePeriodSeconds": 30}, {}, None, 30, id="its own period"),
        pytest.param({"nodeName": "n", "terminationGracePeriodSeconds": 30}, {}, 5, 5, id="the one asked for"),
        pytest.param({"nodeName": "n", "terminationGracePeriodSeconds": 30}, {}, 0, 0, id="at once"),
        pytest.param({"nodeName": "n"}, {}, -1, 1, id="negative is the shortest"),
        pytest.param({"terminationGracePeriodSeconds": 30}, {}, None, 0, id="no node has it"),
        pytest.param({"nodeName": "n"}, {"phase": "Succeeded"}, 30, 0, id="it has ended"),
    ],
)
def test_grace_period_of_a_pod(
    spec: dict[str, Any], status: dict[str, Any], requested: int | None, expected: int
) -> None:
    resource = BY_KIND["v1", "Pod"]
    pod = from_document({"spec": spec, "status": status}, resource.type)
    assert strategy_for(resource).grace_period(pod, requested) == expected


def test_other_kinds_go_at_once() -> None:
    resource = BY_KIND["apps/v1", "Deployment"]
    assert strategy_for(resource).grace_period(from_document(WEB, resource.type), 30) == 0


@pytest.mark.parametrize(
    ("api_version", "kind", "propagation", "creates", "unconditional"),
    [
        pytest.param("v1", "ReplicationController", "Orphan", False, True, id="replication controller"),
        pytest.param("apps/v1", "ReplicaSet", "Background", False, True, id="replica set"),
        pytest.param("coordination.k8s.io/v1", "Lease", "Background", True, False, id="lease"),
        pytest.param("v1", "ConfigMap", "Background", False, True, id="config map"),
        pytest.param("v1", "Service", "Background", True, True, id="service"),
    ],
)
def test_manners(api_version: str, kind: str, propagation: str, creates: bool, unconditional: bool) -> None:
    strategy = strategy_for(BY_KIND[api_version, kind])
    found = (strategy.default_propagation, strategy.allow_create_on_update, strategy.allow_unconditional_update)
    assert found == (propagation, creates, unconditional)


def test_signing_request_says_who_really_asks() -> None:
    request = created(CSR, "CertificateSigningRequest", {"spec": {"username": "admin", "uid": "x", "groups": ["root"]}})
    assert request["spec"] == {
        "username": "jane",
        "uid": "u-1",
        "groups": ["dev", "system:authenticated"],
        "extra": {"scopes": ["a"]},
    }


APPROVED = {"type": "Approved", "status": "True"}
FAILED = {"type": "Failed", "status": "True"}


@pytest.mark.parametrize(
    ("subresource", "status", "expected"),
    [
        pytest.param(
            "approval",
            {"certificate": "eA==", "conditions": [APPROVED]},
            {"conditions": [APPROVED]},
            id="approval writes decisions only",
        ),
        pytest.param(
            "status",
            {"certificate": "eA==", "conditions": [APPROVED, FAILED]},
            {"certificate": "eA==", "conditions": [FAILED]},
            id="status writes everything else",
        ),
    ],
)
def test_who_writes_what_of_a_signing_request(
    subresource: str, status: dict[str, Any], expected: dict[str, Any]
) -> None:
    old = created(CSR, "CertificateSigningRequest", {"metadata": {"name": "x"}})
    assert updated(CSR, "CertificateSigningRequest", {**old, "status": status}, old, subresource)["status"] == expected


def test_namespace_finalizers_are_written_by_finalize_alone() -> None:
    old = created("v1", "Namespace", {"metadata": {"name": "shop"}})
    assert old["spec"] == {"finalizers": ["kubernetes"]}
    emptied = {**old, "spec": {"finalizers": []}}
    assert updated("v1", "Namespace", emptied, old)["spec"] == {"finalizers": ["kubernetes"]}
    assert updated("v1", "Namespace", emptied, old, "finalize")["spec"] == {"finalizers": []}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, {"clusterIP": "10.96.0.9", "nodePort": 30001}, id="left out, kept"),
        pytest.param({"type": "ClusterIP"}, {"clusterIP": "10.96.0.9", "nodePort": None}, id="no node ports any more"),
        pytest.param({"type": "ExternalName", "clusterIP": "10.96.0.9"}, {"clusterIP": None}, id="no address any more"),
    ],
)
def test_what_the_cluster_gave_a_service(change: dict[str, Any], expected: dict[str, Any]) -> None:
    given = {"type": "NodePort", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]}
    old = created("v1", "Service", {"spec": {**given, "ports": [{"port": 80, "nodePort": 30001}]}})
    wanted = {"spec": {"type": "NodePort", "ports": [{"port": 80}], **change}}
    spec = updated("v1", "Service", wanted, old)["spec"]
    found = {"clusterIP": spec.get("clusterIP"), "nodePort": spec["ports"][0].get("nodePort")}
    assert found == {**found, **expected}


def test_daemon_set_counts_its_templates() -> None:
    key = "deprecated.daemonset.template.generation"
    old = created("apps/v1", "DaemonSet", {"metadata": {"name": "x"}})
    scaled = updated("apps/v1", "DaemonSet", _merged(old, {"spec": {"minReadySeconds": 5}}), old)
    template = {"template": {"spec": {"hostNetwork": True}}}
    changed = updated("apps/v1", "DaemonSet", _merged(old, {"spec": template}), old)
    counts = [one["metadata"]["annotations"][key] for one in (old, scaled, changed)]
    assert counts == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("kind", "document", "why"),
    [
        pytest.param("Pod", {"spec": {"containers": "x"}}, "json: cannot unmarshal string into Go", id="wrong type"),
        pytest.param(
            "Pod",
            {"spec": {"containers": [{"resources": {"limits": {"cpu": "x"}}}]}},
            "quantities must match the regular expression",
            id="no amount",
        ),
        pytest.param("Secret", {"data": {"a": "abc!"}}, "illegal base64 data at input byte 3", id="no base64"),
        pytest.param("Secret", {"data": {"a": "abc"}}, "illegal base64 data at input byte", id="half a base64"),
    ],
)
def test_what_cannot_be_read_is_a_bad_request(kind: str, document: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        strategy_for(BY_KIND["v1", kind]).default(document)
    assert caught.value.message.startswith(f'{kind} in version "v1" cannot be handled as a {kind}: ')
    assert why in caught.value.message


def test_warnings_of_a_template() -> None:
    resource = BY_KIND["apps/v1", "Deployment"]
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    spec = {"template": {"spec": {"containers": [{"name": "a", "env": env}]}}}
    (warning,) = strategy_for(resource).warnings(from_document({"spec": spec}, resource.type))
    hidden = 'hides previous definition of "A", which may be dropped when using apply'
    assert warning == f"spec.template.spec.containers[0].env[1]: {hidden}"
