"""Kinds of storage, devices, flow control, admission, certificates and aggregation, as a user meets them."""

from __future__ import annotations

import pytest

from tests.integration.kubectl.conftest import Kubectl, columns

EXPLAINED = {
    "storageclasses": "provisioner",
    "csidrivers": "spec.attachRequired",
    "csinodes": "spec.drivers",
    "csistoragecapacities": "storageClassName",
    "volumeattachments": "spec.source",
    "volumeattributesclasses": "driverName",
    "deviceclasses": "spec.selectors",
    "resourceclaims": "spec.devices.requests",
    "resourceclaimtemplates": "spec.spec.devices",
    "resourceslices": "spec.pool",
    "devicetaintrules": "spec.taint",
    "flowschemas": "spec.rules",
    "prioritylevelconfigurations": "spec.limited",
    "clustertrustbundles": "spec.trustBundle",
    "podcertificaterequests": "spec.stubPKCS10Request",
    "storageversionmigrations": "spec.resource",
    "apiservices": "spec.caBundle",
    "mutatingwebhookconfigurations": "webhooks.rules",
    "validatingadmissionpolicies": "spec.matchConstraints",
    "mutatingadmissionpolicybindings": "spec.policyName",
    "componentstatuses": "conditions",
}

MANIFEST = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: example.com/disk
allowVolumeExpansion: true
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: disk.example.com}
spec: {}
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu}
spec: {selectors: [{cel: {expression: "device.driver == 'gpu.example.com'"}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: one}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu}}]}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: mine}
spec: {type: Limited, limited: {limitResponse: {type: Queue, queuing: {}}}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: mine}
spec:
  priorityLevelConfiguration: {name: mine}
  rules:
  - subjects: [{kind: Group, group: {name: dev}}]
    nonResourceRules: [{verbs: ["*"], nonResourceURLs: ["*"]}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.example.com}
spec:
  group: example.com
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 10
  service: {namespace: shop, name: till}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations: [{expression: object.spec.replicas < 5}]
---
apiVersion: storagemigration.k8s.io/v1
kind: StorageVersionMigration
metadata: {name: again}
spec: {resource: {group: apps, resource: deployments}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


@pytest.fixture
def applied(kubectl: Kubectl) -> Kubectl:
    kubectl.ok("apply --server-side -f -", stdin=MANIFEST)
    return kubectl


@pytest.mark.parametrize(
    ("what", "header", "row"),
    [
        pytest.param(
            "sc standard",
            ["NAME", "PROVISIONER", "RECLAIMPOLICY", "VOLUMEBINDINGMODE", "ALLOWVOLUMEEXPANSION", "AGE"],
            ["standard (default)", "example.com/disk", "Delete", "Immediate", "true"],
            id="storage class",
        ),
        pytest.param(
            "csidriver disk.example.com",
            [
                "NAME", "ATTACHREQUIRED", "PODINFOONMOUNT", "STORAGECAPACITY", "TOKENREQUESTS", "REQUIRESREPUBLISH",
                "MODES", "AGE",
            ],
            ["disk.example.com", "true", "false", "false", "<unset>", "false", "Persistent"],
            id="driver",
        ),
        pytest.param("resourceclaim one", ["NAME", "STATE", "AGE"], ["one", "pending"], id="claim"),
        pytest.param(
            "prioritylevelconfiguration mine",
            ["NAME", "TYPE", "NOMINALCONCURRENCYSHARES", "QUEUES", "HANDSIZE", "QUEUELENGTHLIMIT", "AGE"],
            ["mine", "Limited", "30", "64", "8", "50"],
            id="priority level",
        ),
        pytest.param(
            "apiservice v1.example.com",
            ["NAME", "SERVICE", "AVAILABLE", "AGE"],
            ["v1.example.com", "shop/till"],
            id="API service",
        ),
        pytest.param(
            "validatingadmissionpolicy few", ["NAME", "VALIDATIONS", "PARAMKIND", "AGE"], ["few", "1", "<unset>"],
            id="policy",
        ),
        pytest.param(
            "storageversionmigration again", ["NAME", "RESOURCE"], ["again", "deployments.apps"], id="migration"
        ),
    ],
)  # fmt: skip
def test_tables(applied: Kubectl, what: str, header: list[str], row: list[str]) -> None:
    first, second = applied.ok(f"get {what}").splitlines()
    assert columns(first) == header
    assert columns(second)[: len(row)] == row


def test_a_claim_gets_the_default_class_and_its_protection(applied: Kubectl) -> None:
    found = applied.ok("get pvc data -o jsonpath={.spec.storageClassName}{.metadata.finalizers}")
    assert found == 'standard["kubernetes.io/pvc-protection"]'
    applied.ok("patch pvc data --type=merge -p", '{"metadata": {"finalizers": null}}')


@pytest.mark.parametrize(("resource", "field"), EXPLAINED.items())
def test_explain(kubectl: Kubectl, resource: str, field: str) -> None:
    last = field.rpartition(".")[2]
    assert f"FIELD: {last} " in kubectl.ok(f"explain {resource}.{field}")


def test_api_resources(kubectl: Kubectl) -> None:
    listed = {columns(line)[0]: line for line in kubectl.ok("api-resources -o wide --no-headers").splitlines()}
    assert set(EXPLAINED) <= listed.keys()
    assert columns(listed["componentstatuses"]) == [
        "componentstatuses",
        "cs",
        "v1",
        "false",
        "ComponentStatus",
        "get,list",
    ]
    assert columns(listed["volumeattributesclasses"])[1] == "vac"
    assert "api-extensions" in listed["apiservices"]


def test_every_mistake_is_told(kubectl: Kubectl) -> None:
    class_ = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: x}\n"
    kubectl.ok("create -f -", stdin=class_ + "provisioner: a.b\n")
    said = kubectl("replace -f -", stdin=class_ + "provisioner: a.c\nreclaimPolicy: Retain\n")
    assert said.code == 1
    assert 'provisioner: Invalid value: "a.c": field is immutable' in said.err
    assert 'reclaimPolicy: Invalid value: "Retain": field is immutable' in said.err
