"""What `kubectl get` shows of storage, devices, policies and the kinds that few users write by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.apiserver.tables.test_tables import META, header, table

STORAGE, DEVICES = "storage.k8s.io/v1", "resource.k8s.io/v1"
FLOW, ADMISSION = "flowcontrol.apiserver.k8s.io/v1", "admissionregistration.k8s.io/v1"
CERTIFICATES = "certificates.k8s.io/v1"
DEFAULT = {"metadata": META | {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}


@pytest.mark.parametrize(
    ("api_version", "kind", "content", "columns", "cells"),
    [
        pytest.param(
            STORAGE, "StorageClass",
            {**DEFAULT, "provisioner": "p", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
            "Name | Provisioner | ReclaimPolicy | VolumeBindingMode | AllowVolumeExpansion | Age",
            ["x (default)", "p", "Delete", "Immediate", False, "5h"],
        ),
        pytest.param(
            STORAGE, "VolumeAttributesClass", {"driverName": "d"}, "Name | DriverName | Age", ["x", "d", "5h"]
        ),
        pytest.param(
            STORAGE, "CSIDriver",
            {"spec": {"tokenRequests": [{"audience": "a"}], "volumeLifecycleModes": ["Persistent"]}},
            "Name | AttachRequired | PodInfoOnMount | StorageCapacity | TokenRequests | RequiresRepublish | "
            "Modes | Age",
            ["x", True, False, False, "a", False, "Persistent", "5h"],
        ),
        pytest.param(
            STORAGE, "CSINode", {"spec": {"drivers": [{"name": "d"}]}}, "Name | Drivers | Age", ["x", 1, "5h"]
        ),
        pytest.param(
            STORAGE, "CSIStorageCapacity", {"storageClassName": "s"}, "Name | StorageClassName | Capacity",
            ["x", "s", "<unset>"],
        ),
        pytest.param(
            STORAGE, "VolumeAttachment",
            {"spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}},
            "Name | Attacher | PV | Node | Attached | Age", ["x", "a", "pv", "n", False, "5h"],
        ),
        pytest.param(DEVICES, "DeviceClass", {}, "Name | Age", ["x", "5h"]),
        pytest.param(DEVICES, "ResourceClaim", {}, "Name | State | Age", ["x", "pending", "5h"]),
        pytest.param(
            DEVICES, "ResourceClaim", {"status": {"allocation": {}, "reservedFor": [{"uid": "1"}]}},
            "Name | State | Age", ["x", "allocated,reserved", "5h"], id="reserved",
        ),
        pytest.param(
            DEVICES, "ResourceSlice", {"spec": {"nodeName": "n", "driver": "d", "pool": {"name": "p"}}},
            "Name | Node | Driver | Pool | Age", ["x", "n", "d", "p", "5h"],
        ),
        pytest.param(
            FLOW, "FlowSchema",
            {
                "spec": {"priorityLevelConfiguration": {"name": "p"}, "matchingPrecedence": 5},
                "status": {"conditions": [{"type": "Dangling", "status": "False"}]},
            },
            "Name | PriorityLevel | MatchingPrecedence | DistinguisherMethod | Age | MissingPL",
            ["x", "p", 5, "<none>", "5h", "False"],
        ),
        pytest.param(
            FLOW, "PriorityLevelConfiguration",
            {"spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 5}}},
            "Name | Type | NominalConcurrencyShares | Queues | HandSize | QueueLengthLimit | Age",
            ["x", "Limited", 5, "<none>", "<none>", "<none>", "5h"],
        ),
        pytest.param(
            "apiregistration.k8s.io/v1", "APIService",
            {
                "spec": {"service": {"namespace": "n", "name": "s"}},
                "status": {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]},
            },
            "Name | Service | Available | Age", ["x", "n/s", "False (MissingEndpoints)", "5h"],
        ),
        pytest.param(
            ADMISSION, "MutatingWebhookConfiguration", {"webhooks": [{}]}, "Name | Webhooks | Age", ["x", 1, "5h"]
        ),
        pytest.param(
            ADMISSION, "ValidatingAdmissionPolicy",
            {"spec": {"validations": [{}, {}], "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}},
            "Name | Validations | ParamKind | Age", ["x", 2, "v1/ConfigMap", "5h"],
        ),
        pytest.param(
            ADMISSION, "MutatingAdmissionPolicy", {}, "Name | Mutations | ParamKind | Age", ["x", 0, "<unset>", "5h"]
        ),
        pytest.param(
            ADMISSION, "ValidatingAdmissionPolicyBinding", {"spec": {"policyName": "p", "paramRef": {"name": "r"}}},
            "Name | PolicyName | ParamRef | Age", ["x", "p", "r", "5h"],
        ),
        pytest.param(
            "v1", "ComponentStatus", {"conditions": [{"type": "Healthy", "status": "False", "message": "m"}]},
            "Name | Status | Message | Error", ["x", "Unhealthy", "m", ""],
        ),
        pytest.param(CERTIFICATES, "ClusterTrustBundle", {}, "Name | SignerName", ["x", "<none>"]),
        pytest.param(
            CERTIFICATES, "PodCertificateRequest", {"spec": {"podName": "p", "nodeName": "n"}},
            "Name | PodName | ServiceAccountName | NodeName | SignerName | State | Age",
            ["x", "p", "", "n", "", "Pending", "5h"],
        ),
        pytest.param(
            "storagemigration.k8s.io/v1", "StorageVersionMigration",
            {"spec": {"resource": {"group": "apps", "resource": "deployments"}}},
            "Name | Resource", ["x", "deployments.apps"],
        ),
    ],
)  # fmt: skip
def test_columns_and_cells(api_version: str, kind: str, content: Any, columns: str, cells: list[Any]) -> None:
    shown = table(api_version, kind, content)
    assert header(shown) == columns
    assert shown["rows"][0]["cells"] == cells
