"""What strategies of storage, devices, certificates and API services set, keep and count."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.resources import BY_KIND
from controlplane.apiserver.strategies import strategy_for
from tests.unit.apiserver.strategies.test_strategies import created, updated

DEVICES, CERTIFICATES, SERVICES = "resource.k8s.io/v1", "certificates.k8s.io/v1", "apiregistration.k8s.io/v1"


@pytest.mark.parametrize(
    ("api_version", "kind", "first", "then"),
    [
        pytest.param("storage.k8s.io/v1", "CSIDriver", {"spec": {}}, {"spec": {"podInfoOnMount": True}}, id="driver"),
        pytest.param(
            "flowcontrol.apiserver.k8s.io/v1",
            "FlowSchema",
            {"spec": {}},
            {"spec": {"matchingPrecedence": 5}},
            id="flow schema",
        ),
        pytest.param(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            {"webhooks": []},
            {"webhooks": [{"name": "a.b.c"}]},
            id="webhooks",
        ),
        pytest.param(DEVICES, "DeviceClass", {"spec": {}}, {"spec": {"selectors": [{}]}}, id="device class"),
    ],
)
def test_changes_are_counted(api_version: str, kind: str, first: dict[str, Any], then: dict[str, Any]) -> None:
    stored = created(api_version, kind, {"metadata": {"name": "x"}, **first})
    assert stored["metadata"]["generation"] == 1
    assert updated(api_version, kind, stored, stored)["metadata"]["generation"] == 1
    changed = {**stored, **then}
    assert updated(api_version, kind, changed, stored)["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("api_version", "kind", "anyhow"),
    [
        (SERVICES, "APIService", False),
        (CERTIFICATES, "ClusterTrustBundle", False),
        ("storage.k8s.io/v1", "StorageClass", True),
        ("storage.k8s.io/v1", "VolumeAttachment", False),
        (DEVICES, "ResourceClaim", True),
    ],
)
def test_replacing_what_one_has_not_read(api_version: str, kind: str, anyhow: bool) -> None:
    assert strategy_for(BY_KIND[api_version, kind]).allow_unconditional_update is anyhow


def test_a_local_api_service_is_available_at_once() -> None:
    metadata = {"name": "v1.a.io", "creationTimestamp": "2026-01-01T00:00:00Z"}
    local = created(SERVICES, "APIService", {"metadata": metadata, "spec": {"group": "a.io"}})
    assert [(one["type"], one["status"], one["reason"]) for one in local["status"]["conditions"]] == [
        ("Available", "True", "Local")
    ]
    remote = created(SERVICES, "APIService", {"metadata": metadata, "spec": {"service": {"name": "s"}}})
    assert "status" not in remote


def test_a_node_does_not_report_the_health_of_its_storage() -> None:
    node = {"metadata": {"name": "n"}, "spec": {}, "status": {"storageHealth": [{"name": "a.b"}]}}
    assert "status" not in created("storage.k8s.io/v1", "CSINode", node)


def test_what_drivers_say_goes_with_the_device() -> None:
    result = {"driver": "a.b", "pool": "p", "device": "d"}
    old = {"metadata": {"name": "c"}, "status": {"allocation": {"devices": {"results": [result]}}, "devices": [result]}}
    new = {"metadata": {"name": "c"}, "status": {"devices": [result]}}
    assert updated(DEVICES, "ResourceClaim", new, old, "status")["status"] == {}
    assert updated(DEVICES, "ResourceClaim", old, old, "status")["status"]["devices"] == [result]


def test_a_driver_with_capitals_is_warned_of() -> None:
    resource = BY_KIND[DEVICES, "ResourceSlice"]
    slice_ = from_document({"spec": {"driver": "A.b"}}, resource.type)
    assert strategy_for(resource).warnings(slice_) == [
        'spec.driver: driver names should be lowercase; "A.b" contains uppercase characters'
    ]


def test_how_a_request_ended_stays_as_it_was_told() -> None:
    first = {"type": "Denied", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    later = {**first, "lastTransitionTime": "2026-01-02T00:00:00Z"}
    old = {"metadata": {"name": "r"}, "spec": {"podName": "p"}, "status": {"conditions": [first]}}
    new = {"metadata": {"name": "r"}, "spec": {"podName": "q"}, "status": {"conditions": [later]}}
    told = updated(CERTIFICATES, "PodCertificateRequest", new, old, "status")
    assert (told["spec"], told["status"]) == (old["spec"], old["status"])


@pytest.mark.parametrize(
    ("kind", "document", "path"),
    [
        pytest.param(
            "StorageClass",
            {"allowedTopologies": [{"matchLabelExpressions": [{"key": "failure-domain.beta.kubernetes.io/zone"}]}]},
            "allowedTopologies[0].matchLabelExpressions[0].key",
            id="class",
        ),
        pytest.param(
            "CSIStorageCapacity",
            {"nodeTopology": {"matchExpressions": [{"key": "failure-domain.beta.kubernetes.io/zone"}]}},
            "nodeTopology.matchExpressions[0].key",
            id="capacity",
        ),
    ],
)
def test_zones_of_old_are_warned_of(kind: str, document: dict[str, Any], path: str) -> None:
    resource = BY_KIND["storage.k8s.io/v1", kind]
    assert strategy_for(resource).warnings(from_document(document, resource.type)) == [
        f'{path}: deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
    ]
