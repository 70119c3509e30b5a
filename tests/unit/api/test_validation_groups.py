"""Rules of storage, flow control, devices, admission policies and the kinds that few users write by hand."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.resources import BY_KIND
from controlplane.api.validation import validate_status_update
from tests.unit.api.test_validation import an_object, errors, update_errors

STORAGE, DEVICES = "storage.k8s.io/v1", "resource.k8s.io/v1"
FLOW, ADMISSION = "flowcontrol.apiserver.k8s.io/v1", "admissionregistration.k8s.io/v1"
SERVICES, MIGRATION = "apiregistration.k8s.io/v1", "storagemigration.k8s.io/v1"

Document = dict[str, Any]
CLASS: Document = {"provisioner": "example.com/disk"}
LABEL = "a lowercase RFC 1123 label"


def told(found: list[str], expected: list[str]) -> None:
    """Each error begins as expected, and there are no others."""
    assert len(found) == len(expected), found
    for error, start in zip(found, expected, strict=True):
        assert error.startswith(start), error


def status_errors(api_version: str, kind: str, new: Document, old: Document) -> list[str]:
    objects = an_object(api_version, kind, new), an_object(api_version, kind, old)
    return [error.text for error in validate_status_update(BY_KIND[api_version, kind], *objects)]


@pytest.mark.parametrize(
    ("kind", "document", "expected"),
    [
        pytest.param("StorageClass", CLASS, [], id="a class"),
        pytest.param("StorageClass", {}, ["provisioner: Required value"], id="no provisioner"),
        pytest.param(
            "StorageClass",
            {**CLASS, "reclaimPolicy": "Recycle", "volumeBindingMode": "Later"},
            [
                'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
                'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
            ],
            id="policies",
        ),
        pytest.param(
            "StorageClass",
            {**CLASS, "parameters": {str(number): "" for number in range(513)}},
            ["parameters: Too long: may not be more than 512 bytes"],
            id="too many parameters",
        ),
        pytest.param(
            "StorageClass",
            {**CLASS, "allowedTopologies": [{"matchLabelExpressions": [{"key": "zone", "values": ["a", "a"]}]}]},
            ['allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"'],
            id="a zone twice",
        ),
        pytest.param(
            "StorageClass",
            {**CLASS, "allowedTopologies": [{}]},
            ['allowedTopologies[0].matchLabelExpressions: Duplicate value: ""'],
            id="an empty term is always one too many",
        ),
        pytest.param(
            "VolumeAttributesClass",
            {"driverName": "example.com"},
            ["parameters: Required value: must contain at least one key/value pair"],
            id="nothing to set",
        ),
        pytest.param("CSIDriver", {"spec": {}}, [], id="a driver"),
        pytest.param(
            "CSIDriver",
            {
                "spec": {
                    "fsGroupPolicy": "Some",
                    "volumeLifecycleModes": ["Forever"],
                    "nodeAllocatableUpdatePeriodSeconds": 9,
                    "tokenRequests": [{"audience": "a", "expirationSeconds": 599}, {"audience": "a"}],
                }
            },
            [
                'spec.fsGroupPolicy: Unsupported value: "Some": supported values: "File", "None", "ReadWriteOnce',
                "spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10",
                'spec.tokenRequests[1].audience: Duplicate value: "a"',
                'spec.volumeLifecycleModes: Unsupported value: "Forever": supported values: "Persistent", "Ephemeral"',
                "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 sec",
            ],
            id="a driver with mistakes",
        ),
        pytest.param(
            "CSINode",
            {
                "spec": {
                    "drivers": [
                        {"name": "a.b", "nodeID": "n", "topologyKeys": ["z", "z"], "allocatable": {"count": -1}},
                        {"name": "a.b", "nodeID": ""},
                        {"name": "_", "nodeID": "x" * 257},
                    ]
                }
            },
            [
                "spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
                'spec.drivers[0]: Duplicate value: "z"',
                "spec.drivers[1].nodeID: Required value",
                'spec.drivers[1].name: Duplicate value: "a.b"',
                'spec.drivers[2].name: Invalid value: "_": a lowercase RFC 1123 subdomain',
                'spec.drivers[2].nodeID: Invalid value: "xxx',
            ],
            id="a node",
        ),
        pytest.param(
            "CSIStorageCapacity",
            {"storageClassName": "_", "capacity": "-1Gi"},
            ['storageClassName: Invalid value: "_"', 'capacity: Invalid value: "-1Gi": must be greater than or equal'],
            id="capacity",
        ),
        pytest.param(
            "VolumeAttachment",
            {"spec": {"attacher": "a.b", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}},
            [],
            id="an attachment",
        ),
        pytest.param(
            "VolumeAttachment",
            {"spec": {"attacher": "", "nodeName": "n", "source": {}}},
            [
                "spec.attacher: Required value",
                "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
            ],
            id="nothing attached",
        ),
    ],
)
def test_storage(kind: str, document: Document, expected: list[str]) -> None:
    told(errors(STORAGE, kind, document), expected)


@pytest.mark.parametrize(
    ("kind", "old", "new", "expected"),
    [
        pytest.param(
            "StorageClass",
            {**CLASS, "parameters": {"a": "b"}},
            {"provisioner": "other", "reclaimPolicy": "Retain", "volumeBindingMode": "WaitForFirstConsumer"},
            [
                "parameters: Invalid value: null: field is immutable",
                'provisioner: Invalid value: "other": field is immutable',
                'reclaimPolicy: Invalid value: "Retain": field is immutable',
                'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
            ],
            id="a class is what it is",
        ),
        pytest.param(
            "StorageClass",
            CLASS,
            {**CLASS, "allowVolumeExpansion": True, "mountOptions": ["ro"]},
            [],
            id="but for this",
        ),
        pytest.param(
            "VolumeAttributesClass",
            {"driverName": "a.b", "parameters": {"iops": "1"}},
            {"driverName": "a.b", "parameters": {"iops": "2"}},
            ["parameters: Forbidden: updates to parameters are forbidden."],
            id="attributes",
        ),
        pytest.param(
            "CSIDriver",
            {"spec": {}},
            {"spec": {"attachRequired": False, "podInfoOnMount": True}},
            ["spec.attachedRequired: Invalid value: false: field is immutable"],
            id="a driver",
        ),
        pytest.param(
            "CSINode",
            {"spec": {"drivers": [{"name": "a.b", "nodeID": "n", "allocatable": {"count": 1}}]}},
            {"spec": {"drivers": [{"name": "a.b", "nodeID": "n", "allocatable": {"count": 2}}]}},
            [],
            id="how many volumes may change",
        ),
        pytest.param(
            "CSINode",
            {"spec": {"drivers": [{"name": "a.b", "nodeID": "n"}]}},
            {"spec": {"drivers": [{"name": "a.b", "nodeID": "m"}]}},
            ['spec.drivers: Invalid value: {"name":"a.b","nodeID":"m"}: field is immutable'],
            id="who the node is may not",
        ),
        pytest.param(
            "VolumeAttachment",
            {"spec": {"attacher": "a.b", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}},
            {"spec": {"attacher": "a.b", "nodeName": "m", "source": {"persistentVolumeName": "pv"}}},
            ["spec: Invalid value: {"],
            id="an attachment stays",
        ),
    ],
)
def test_storage_updates(kind: str, old: Document, new: Document, expected: list[str]) -> None:
    told(update_errors(STORAGE, kind, new, old), expected)


def test_an_attachment_says_why_not_in_few_words() -> None:
    attachment = {"spec": {"attacher": "a.b", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}}
    failed = {**attachment, "status": {"attachError": {"message": "x" * 1025, "errorCode": -1}}}
    told(
        status_errors(STORAGE, "VolumeAttachment", failed, attachment),
        ["status.attachError.message: Too long", "status.attachError.errorCode: Invalid value: -1: must be between 0"],
    )


GROUP = {"kind": "Group", "group": {"name": "g"}}
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
URLS = {"verbs": ["*"], "nonResourceURLs": ["*"]}
EXEMPT = {
    "matchingPrecedence": 1,
    "priorityLevelConfiguration": {"name": "exempt"},
    "rules": [
        {
            "subjects": [{"kind": "Group", "group": {"name": "system:masters"}}],
            "resourceRules": [EVERYTHING],
            "nonResourceRules": [URLS],
        }
    ],
}


def flow(**spec: Any) -> Document:
    return {"spec": {"priorityLevelConfiguration": {"name": "p"}, **spec}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(flow(rules=[{"subjects": [GROUP], "resourceRules": [EVERYTHING]}]), [], id="a schema"),
        pytest.param(
            {"spec": {"matchingPrecedence": 1, "distinguisherMethod": {"type": "ByHour"}}},
            [
                "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedenc",
                'spec.distinguisherMethod.type: Unsupported value: {"type":"ByHour"}: supported values: "ByNamespace"',
                "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
            ],
            id="the spec",
        ),
        pytest.param(
            flow(matchingPrecedence=10_001),
            ["spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000"],
            id="precedence",
        ),
        pytest.param(
            flow(rules=[{"subjects": [{"kind": "User", "group": {"name": "g"}}]}]),
            [
                "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
                "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
                "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
            ],
            id="subjects",
        ),
        pytest.param(
            flow(rules=[{"subjects": [GROUP], "nonResourceRules": [{"verbs": ["go"], "nonResourceURLs": ["/a//b"]}]}]),
            [
                'spec.rules[0].nonResourceRules[0].verbs: Unsupported value: ["go"]: supported values: "create", "del',
                'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a//b": must not contain double',
            ],
            id="urls",
        ),
        pytest.param(
            flow(rules=[{"subjects": [GROUP], "resourceRules": [{"verbs": ["get"], "resources": ["*", "a"]}]}]),
            [
                "spec.rules[0].resourceRules[0].apiGroups: Required value: resource rules must supply at least one api",
                'spec.rules[0].resourceRules[0].resources: Invalid value: ["*","a"]: if \'*\' is present',
                "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped",
            ],
            id="resources",
        ),
        pytest.param({"metadata": {"name": "exempt"}, "spec": EXEMPT}, [], id="a mandatory one as it must be"),
        pytest.param(
            {"metadata": {"name": "exempt"}, "spec": {**EXEMPT, "matchingPrecedence": 2}},
            ['spec: Invalid value: {"matchingPrecedence":2'],
            id="a mandatory one changed",
        ),
    ],
)
def test_flow_schemas(document: Document, expected: list[str]) -> None:
    told(errors(FLOW, "FlowSchema", document), expected)


def level(queuing: Document | None = None, **limited: Any) -> Document:
    response = {"type": "Queue", "queuing": queuing} if queuing is not None else {"type": "Reject"}
    return {"spec": {"type": "Limited", "limited": {"limitResponse": response, **limited}}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(level({}), [], id="queues as they come"),
        pytest.param(
            level({"queues": 4, "handSize": 5}),
            ["spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)"],
            id="a hand larger than the deck",
        ),
        pytest.param(
            level({"queues": 512, "handSize": 8}),
            [
                "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 "
                "and handSize 8 should not be greater than 60"
            ],
            id="more than a hash holds",
        ),
        pytest.param(
            level(lendablePercent=101, borrowingLimitPercent=-1, nominalConcurrencyShares=-1),
            [
                "spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
                "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
                "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
            ],
            id="shares",
        ),
        pytest.param(
            {"spec": {"type": "Exempt", "limited": {}}},
            [
                "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'",
                "spec.limited: Forbidden: must be nil if the type is not Limited",
            ],
            id="exempt",
        ),
        pytest.param(
            {"metadata": {"name": "exempt"}, "spec": {"type": "Exempt", "exempt": {"lendablePercent": 50}}},
            [],
            id="what exempt may lend may change",
        ),
        pytest.param(
            {"metadata": {"name": "catch-all"}, **level()},
            ["spec: Invalid value: {"],
            id="but nothing of the catch-all",
        ),
    ],
)
def test_priority_levels(document: Document, expected: list[str]) -> None:
    told(errors(FLOW, "PriorityLevelConfiguration", document), expected)


RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
HOOK: Document = {
    "name": "a.example.com",
    "clientConfig": {"url": "https://example.com/x"},
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "rules": [RULE],
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, [], id="a webhook"),
        pytest.param(
            {"name": "a.b"}, ['name: Invalid value: "a.b": should be a domain with at least three seg'], id="name"
        ),
        pytest.param(
            {"sideEffects": "Some"},
            ['sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
            id="side effects",
        ),
        pytest.param(
            {"timeoutSeconds": 31},
            ["timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"],
            id="timeout",
        ),
        pytest.param(
            {"admissionReviewVersions": ["v2", "v2"]},
            [
                'admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
                'admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
            ],
            id="versions",
        ),
        pytest.param(
            {"clientConfig": {"url": "http://u@/?q#f"}},
            [
                "clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format",
                'clientConfig.url: Invalid value: "": host must be specified; desired format: https://host[/path]',
                'clientConfig.url: Invalid value: "u": user information is not permitted in the URL',
                'clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
                'clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL',
            ],
            id="url",
        ),
        pytest.param(
            {"clientConfig": {"service": {"name": "s", "namespace": "n", "path": "/a//b", "port": 70000}}},
            [
                "clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535",
                'clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty',
            ],
            id="service",
        ),
        pytest.param(
            {"clientConfig": {}},
            ["clientConfig: Required value: exactly one of url or service is required"],
            id="client",
        ),
        pytest.param(
            {"rules": [{**RULE, "operations": ["*", "CREATE"], "resources": ["pods/*", "pods/log"], "scope": "Big"}]},
            [
                'rules[0].operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify other oper',
                "rules[0].resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log",
                'rules[0].scope: Unsupported value: "Big": supported values: "*", "Cluster", "Namespaced"',
            ],
            id="rules",
        ),
        pytest.param(
            {"matchConditions": [{"name": "a", "expression": " "}, {"name": "a", "expression": "true"}]},
            ["matchConditions[0].expression: Required value", 'matchConditions[1].name: Duplicate value: "a"'],
            id="conditions",
        ),
    ],
)
def test_webhooks(change: Document, expected: list[str]) -> None:
    document = {"webhooks": [{**HOOK, **change}]}
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        told(errors(ADMISSION, kind, document), [f"webhooks[0].{one}" for one in expected])


def test_what_a_webhook_was_it_may_stay() -> None:
    kind, stored = "ValidatingWebhookConfiguration", {"webhooks": [{**HOOK, "sideEffects": "Some"}] * 2}
    assert update_errors(ADMISSION, kind, stored, stored) == []
    assert len(errors(ADMISSION, kind, stored)) == 3


MATCH = {"matchConstraints": {"resourceRules": [RULE]}}


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        pytest.param(
            "ValidatingAdmissionPolicy",
            {**MATCH, "validations": [{"expression": "true"}]},
            [],
            id="a validating policy",
        ),
        pytest.param(
            "ValidatingAdmissionPolicy",
            {},
            [
                "spec.matchConstraints: Required value",
                "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
                "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
            ],
            id="an empty one",
        ),
        pytest.param(
            "ValidatingAdmissionPolicy",
            {
                **MATCH,
                "paramKind": {"apiVersion": "a/b/c", "kind": ""},
                "variables": [{"name": "for", "expression": ""}],
                "validations": [{"expression": " ", "message": "a\nb", "reason": "Because"}],
            },
            [
                'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
                "spec.paramKind.kind: Required value",
                'spec.variables[0].name: Invalid value: "for": name is not a valid CEL identifier',
                "spec.variables[0].expression: Required value: expression is not specified",
                "spec.validations[0].expression: Required value: expression is not specified",
                'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
                'spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid"',
            ],
            id="its parts",
        ),
        pytest.param(
            "MutatingAdmissionPolicy",
            {
                **MATCH,
                "reinvocationPolicy": "Never",
                "mutations": [{"patchType": "JSONPatch", "applyConfiguration": {"expression": "x"}}],
            },
            [
                'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified',
                "spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch",
            ],
            id="a patch of the other type",
        ),
        pytest.param(
            "MutatingAdmissionPolicy",
            {"matchConstraints": {"resourceRules": [{**RULE, "operations": ["DELETE"]}]}},
            [
                'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", ',
                "spec.mutations: Required value: mutations must contain at least one item",
                "spec.reinvocationPolicy: Required value",
            ],
            id="a deletion has nothing to change",
        ),
        pytest.param(
            "ValidatingAdmissionPolicyBinding",
            {"policyName": "p", "validationActions": ["Deny", "Warn"], "paramRef": {}},
            [
                "spec.paramRef: Required value: one of name or selector must be specified",
                "spec.paramRef.parameterNotFoundAction: Required value",
                'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeati',
            ],
            id="a binding",
        ),
        pytest.param("MutatingAdmissionPolicyBinding", {}, ["spec.policyName: Required value"], id="of nothing"),
    ],
)
def test_admission_policies(kind: str, spec: Document, expected: list[str]) -> None:
    told(errors(ADMISSION, kind, {"spec": spec}), expected)


@pytest.mark.parametrize(
    ("name", "spec", "expected"),
    [
        pytest.param(
            "v1.a.io",
            {"group": "a.io", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1},
            [],
            id="local",
        ),
        pytest.param(
            "x",
            {"group": "", "version": "v2", "caBundle": "AAAA", "insecureSkipTLSVerify": True},
            [
                'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v2."',
                "spec.group: Required value: only v1 may have an empty group and it better be legacy kube",
                "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
                "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
                'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
                "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
            ],
            id="mistakes",
        ),
        pytest.param(
            "v1.a.io",
            {
                "group": "a.io",
                "version": "v1",
                "groupPriorityMinimum": 1,
                "versionPriority": 1,
                "service": {"name": "s"},
                "insecureSkipTLSVerify": True,
                "caBundle": "AAAA",
            },
            [
                "spec.service.namespace: Required value",
                "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
            ],
            id="a service",
        ),
    ],
)
def test_api_services(name: str, spec: Document, expected: list[str]) -> None:
    told(errors(SERVICES, "APIService", {"metadata": {"name": name}, "spec": spec}), expected)


def ended(*types: str) -> Document:
    at = "2026-01-01T00:00:00Z"
    conditions = [{"type": type_, "status": "True", "reason": "R", "lastTransitionTime": at} for type_ in types]
    return {"spec": {"resource": {"resource": "pods"}}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(ended("Running"), ended("Succeeded"), [], id="it succeeds"),
        pytest.param(
            ended(),
            ended("Succeeded", "Failed"),
            ["status.conditions: Invalid value: [{"],
            id="or fails",
        ),
        pytest.param(ended("Failed"), ended(), ["status.conditions: Invalid value: null: Failed condition"], id="once"),
        pytest.param(
            ended(),
            {**ended(), "status": {"resourceVersion": "x", "conditions": [{"type": "a", "status": "Yes"}]}},
            [
                'status.resourceVersion: Invalid value: "x": failed to parse resource version "x"',
                'status.conditions[0].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"',
                "status.conditions[0].lastTransitionTime: Required value",
                "status.conditions[0].reason: Required value",
            ],
            id="conditions",
        ),
    ],
)
def test_migrations(old: Document, new: Document, expected: list[str]) -> None:
    told(status_errors(MIGRATION, "StorageVersionMigration", new, old), expected)
    told(errors(MIGRATION, "StorageVersionMigration", {}), ["spec.resource.resource: Required value: resource is req"])


def claim(*requests: Document, **devices: Any) -> Document:
    return {"spec": {"devices": {"requests": list(requests), **devices}}}


GPU = {"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com"}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(claim(GPU), [], id="one device"),
        pytest.param(
            claim(GPU, {"name": "gpu"}),
            [
                "spec.devices.requests[1]: Required value: exactly one of `exactly` or `firstAvailable` is required",
                'spec.devices.requests[1]: Duplicate value: "gpu"',
            ],
            id="requests",
        ),
        pytest.param(
            claim({"name": "a", "exactly": {"deviceClassName": "", "allocationMode": "All", "count": 2}}),
            [
                "spec.devices.requests[0].exactly.deviceClassName: Required value",
                "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode",
            ],
            id="count",
        ),
        pytest.param(
            claim(
                GPU,
                constraints=[{"requests": ["nic"], "matchAttribute": "model"}, {}],
                config=[{"opaque": {"driver": "a.b", "parameters": {"a": "x" * 10_240}}}],
            ),
            [
                'spec.devices.constraints[0].requests[0]: Invalid value: "nic": must be the name of a request in the',
                'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be',
                'spec.devices.constraints[1]: Required value: exactly one of "matchAttribute" or "distinctAttribute"',
                "spec.devices.config[0].opaque.parameters: Too long: may not be more than 10240 bytes",
            ],
            id="constraints and configuration",
        ),
        pytest.param(
            claim(*({**GPU, "name": f"g{number}"} for number in range(33))),
            ["spec.devices.requests: Too many: 33: must have at most 32 items"],
            id="too many",
        ),
    ],
)
def test_claims(document: Document, expected: list[str]) -> None:
    told(errors(DEVICES, "ResourceClaim", document), expected)
    template = {"spec": {"spec": document["spec"]}}
    inside = [f"spec.{one}" for one in expected]
    told(errors(DEVICES, "ResourceClaimTemplate", template), inside)


def test_a_claim_never_changes() -> None:
    other = claim({**GPU, "name": "other"})
    told(update_errors(DEVICES, "ResourceClaim", other, claim(GPU)), ["spec: Invalid value: {"])
    told(update_errors(DEVICES, "ResourceClaim", claim(GPU), claim(GPU)), [])


RESULT = {"request": "gpu", "driver": "a.b", "pool": "node-1", "device": "gpu-0"}
CONSUMER = {"resource": "pods", "name": "p", "uid": "1"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(
            {"allocation": {"devices": {"results": [RESULT]}}, "reservedFor": [CONSUMER]}, [], id="allocated, reserved"
        ),
        pytest.param(
            {"reservedFor": [CONSUMER, CONSUMER]},
            [
                'status.reservedFor[1]: Duplicate value: "1"',
                "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
            ],
            id="reserved without a device",
        ),
        pytest.param(
            {
                "allocation": {"devices": {"results": [{**RESULT, "request": "nic", "shareID": "1"}]}},
                "devices": [
                    {"driver": "a.b", "pool": "node-1", "device": "gpu-1", "networkData": {"ips": ["10.0.0.1"]}}
                ],
            },
            [
                'status.devices[0]: Invalid value: "a.b/node-1/gpu-1": must be an allocated device in the claim',
                'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form',
                'status.allocation.devices.results[0].request: Invalid value: "nic": must be the name of a request',
                'status.allocation.devices.results[0].shareID: Invalid value: "1": uid must be in RFC 4122 normalized',
            ],
            id="what was not asked for",
        ),
    ],
)
def test_claim_status(status: Document, expected: list[str]) -> None:
    told(status_errors(DEVICES, "ResourceClaim", {**claim(GPU), "status": status}, claim(GPU)), expected)


def devices(*devices: Document, **spec: Any) -> Document:
    pool = {"name": "p", "resourceSliceCount": 1}
    return {"spec": {"driver": "a.b", "nodeName": "n", "pool": pool, "devices": list(devices), **spec}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(devices({"name": "d", "attributes": {"model": {"string": "x"}}}), [], id="a slice"),
        pytest.param(
            devices(allNodes=True, pool={"name": "p"}),
            [
                "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
                'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNode',
            ],
            id="where",
        ),
        pytest.param(
            devices({"name": "d", "attributes": {"a b": {}, "v": {"version": "1"}, "w": {"int": 1, "bool": True}}}),
            [
                'spec.devices[0].attributes: Invalid value: "a b": a valid C identifier must start with',
                'spec.devices[0].attributes[a b]: Invalid value: "": exactly one value must be specified',
                'spec.devices[0].attributes[v].version: Invalid value: "1": must be a string compatible with semver',
                'spec.devices[0].attributes[w]: Invalid value: {"bool":true,"int":1}: exactly one value must be spec',
            ],
            id="attributes",
        ),
        pytest.param(
            devices({"name": "d", "taints": [{"key": "k", "effect": "Never"}], "nodeName": "n"}),
            [
                'spec.devices[0].taints[0].effect: Unsupported value: "Never": supported values: "NoExecute"',
                "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if",
            ],
            id="taints",
        ),
        pytest.param(
            devices({"name": "d", "capacity": {"m": {"value": "1Gi", "requestPolicy": {"default": "1Gi"}}}}),
            ["spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true"],
            id="a policy for one",
        ),
        pytest.param(
            devices(
                {
                    "name": "d",
                    "allowMultipleAllocations": True,
                    "capacity": {
                        "m": {
                            "value": "10",
                            "requestPolicy": {"default": "3", "validRange": {"min": "1", "max": "11", "step": "3"}},
                        }
                    },
                }
            ),
            [
                'spec.devices[0].capacity[m].requestPolicy.validRange.max: Invalid value: "11": max is larger than',
                'spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: "3": value is not a multip',
                'spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: "11": value is not a multi',
            ],
            id="a range",
        ),
        pytest.param(
            devices({"name": "d", "bindingConditions": ["a"], "consumesCounters": [{"counterSet": "c"}]}),
            [
                "spec.devices[0].consumesCounters[0].counters: Required value",
                "spec.devices[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required",
            ],
            id="counters and conditions",
        ),
    ],
)
def test_slices(document: Document, expected: list[str]) -> None:
    told(errors(DEVICES, "ResourceSlice", document), expected)


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        pytest.param(
            "DeviceClass",
            {"selectors": [{}], "extendedResourceName": "cpu"},
            [
                "spec.selectors[0].cel: Required value",
                'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
            ],
            id="class",
        ),
        pytest.param(
            "DeviceTaintRule",
            {"deviceSelector": {"driver": "_"}, "taint": {"key": "k"}},
            ['spec.deviceSelector.driver: Invalid value: "_"', "spec.taint.effect: Required value"],
            id="rule",
        ),
    ],
)
def test_device_classes_and_rules(kind: str, spec: Document, expected: list[str]) -> None:
    told(errors(DEVICES, kind, {"spec": spec}), expected)
