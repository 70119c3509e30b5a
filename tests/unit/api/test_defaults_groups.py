"""What is filled in for storage, flow control, devices, webhooks and admission policies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.test_defaults import defaulted

RULE = {"operations": ["CREATE"], "resources": ["pods"]}


@pytest.mark.parametrize(
    ("api_version", "kind", "document", "expected"),
    [
        pytest.param(
            "storage.k8s.io/v1",
            "StorageClass",
            {"provisioner": "p"},
            {"provisioner": "p", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
            id="storage class",
        ),
        pytest.param(
            "storage.k8s.io/v1",
            "CSIDriver",
            {"spec": {"podInfoOnMount": True}},
            {
                "spec": {
                    "attachRequired": True,
                    "fsGroupPolicy": "ReadWriteOnceWithFSType",
                    "podInfoOnMount": True,
                    "requiresRepublish": False,
                    "seLinuxMount": False,
                    "storageCapacity": False,
                    "volumeLifecycleModes": ["Persistent"],
                }
            },
            id="driver",
        ),
        pytest.param(
            "flowcontrol.apiserver.k8s.io/v1",
            "FlowSchema",
            {"spec": {"matchingPrecedence": 0}},
            {"spec": {"matchingPrecedence": 1000}},
            id="flow schema",
        ),
        pytest.param(
            "flowcontrol.apiserver.k8s.io/v1",
            "PriorityLevelConfiguration",
            {"spec": {"limited": {"limitResponse": {"type": "Queue", "queuing": {"queues": 1}}}}},
            {
                "spec": {
                    "limited": {
                        "lendablePercent": 0,
                        "limitResponse": {
                            "type": "Queue",
                            "queuing": {"queues": 1, "handSize": 8, "queueLengthLimit": 50},
                        },
                        "nominalConcurrencyShares": 30,
                    }
                }
            },
            id="priority level",
        ),
        pytest.param(
            "apiregistration.k8s.io/v1",
            "APIService",
            {"spec": {"service": {"name": "s"}}},
            {"spec": {"service": {"name": "s", "port": 443}}},
            id="API service",
        ),
        pytest.param(
            "certificates.k8s.io/v1",
            "PodCertificateRequest",
            {},
            {"spec": {"maxExpirationSeconds": 86400}},
            id="certificate of a pod",
        ),
        pytest.param(
            "resource.k8s.io/v1",
            "ResourceClaim",
            {"spec": {"devices": {"requests": [{"exactly": {"tolerations": [{}]}}, {"firstAvailable": [{}]}]}}},
            {
                "spec": {
                    "devices": {
                        "requests": [
                            {
                                "exactly": {
                                    "allocationMode": "ExactCount",
                                    "count": 1,
                                    "tolerations": [{"operator": "Equal"}],
                                }
                            },
                            {"firstAvailable": [{"allocationMode": "ExactCount", "count": 1}]},
                        ]
                    }
                }
            },
            id="claim",
        ),
        pytest.param(
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
            {"webhooks": [{"clientConfig": {"service": {}}, "rules": [RULE]}]},
            {
                "webhooks": [
                    {
                        "clientConfig": {"service": {"port": 443}},
                        "failurePolicy": "Fail",
                        "matchPolicy": "Equivalent",
                        "namespaceSelector": {},
                        "objectSelector": {},
                        "reinvocationPolicy": "Never",
                        "rules": [{**RULE, "scope": "*"}],
                        "timeoutSeconds": 10,
                    }
                ]
            },
            id="webhook",
        ),
        pytest.param(
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicy",
            {"spec": {"matchConstraints": {"resourceRules": [RULE]}}},
            {
                "spec": {
                    "failurePolicy": "Fail",
                    "matchConstraints": {
                        "matchPolicy": "Equivalent",
                        "namespaceSelector": {},
                        "objectSelector": {},
                        "resourceRules": [{**RULE, "scope": "*"}],
                    },
                }
            },
            id="policy",
        ),
    ],
)
def test_defaults(api_version: str, kind: str, document: dict[str, Any], expected: dict[str, Any]) -> None:
    assert defaulted(api_version, kind, document) == expected
