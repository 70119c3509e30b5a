"""Rules of every kind but pods, each with an object that breaks it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controlplane.api.codec import from_document
from controlplane.api.defaults import apply_defaults
from controlplane.api.resources import BY_KIND
from controlplane.api.validation import validate, validate_status_update, validate_subresource_update, validate_update

APPS, RBAC, CSR = "apps/v1", "rbac.authorization.k8s.io/v1", "certificates.k8s.io/v1"


def an_object(api_version: str, kind: str, document: dict[str, Any]) -> Any:
    """Return the object with its defaults, a name and a version if it lacks them."""
    resource = BY_KIND[api_version, kind]
    metadata = {"name": "x", "resourceVersion": "7", **document.get("metadata", {})}
    if resource.namespaced:
        metadata.setdefault("namespace", "shop")
    document = {**document, "metadata": metadata}
    apply_defaults(resource, document)
    return from_document(document, resource.type)


def errors(api_version: str, kind: str, document: dict[str, Any]) -> list[str]:
    found = validate(BY_KIND[api_version, kind], an_object(api_version, kind, document))
    return [error.text for error in found]


def update_errors(api_version: str, kind: str, new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    objects = an_object(api_version, kind, new), an_object(api_version, kind, old)
    return [error.text for error in validate_update(BY_KIND[api_version, kind], *objects)]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, [], id="fine"),
        pytest.param({"name": ""}, ["metadata.name: Required value: name or generateName is required"], id="no name"),
        pytest.param(
            {"name": "A_b"}, ['metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain'], id="name"
        ),
        pytest.param({"generateName": "a-"}, [], id="prefix of a name"),
        pytest.param({"generateName": "A-"}, ['metadata.generateName: Invalid value: "A-": a lower'], id="bad prefix"),
        pytest.param({"labels": {"a": "-"}}, ['metadata.labels: Invalid value: "-": a valid label'], id="label value"),
        pytest.param(
            {"labels": {"/": ""}},
            ['metadata.labels: Invalid value: "/": prefix'] + ["metadata.labels"] * 2,
            id="label key",
        ),
        pytest.param(
            {"annotations": {"a": "x" * 2**18}},
            ["metadata.annotations: Too long: may not be more than 262144 bytes"],
            id="annotations",
        ),
        pytest.param(
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]},
            ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
            id="owner without uid",
        ),
        pytest.param(
            {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "A", "name": n, "uid": n, "controller": True} for n in "ab"
                ]
            },
            ["metadata.ownerReferences: Invalid value: ["],
            id="two controllers",
        ),
        pytest.param(
            {"finalizers": ["orphan", "foregroundDeletion"]},
            ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and'],
            id="finalizers that exclude each other",
        ),
    ],
)
def test_metadata(metadata: dict[str, Any], expected: list[str]) -> None:
    found = errors("v1", "ConfigMap", {"metadata": metadata})
    assert len(found) == len(expected), found
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True)), found


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param(
            {"uid": "b"}, {"uid": "a"}, ['metadata.uid: Invalid value: "b": field is immutable'], id="another uid"
        ),
        pytest.param(
            {"resourceVersion": ""},
            {},
            ['metadata.resourceVersion: Invalid value: "": must be specified for an update'],
            id="no version",
        ),
        pytest.param(
            {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            {},
            ['metadata.deletionTimestamp: Invalid value: "2026-01-01T00:00:00Z": field is immutable'],
            id="a deletion by update",
        ),
        pytest.param(
            {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.b/c"]},
            {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
                'found new finalizers []string{"a.b/c"}'
            ],
            id="a finalizer too late",
        ),
    ],
)
def test_metadata_update(new: dict[str, Any], old: dict[str, Any], expected: list[str]) -> None:
    assert update_errors("v1", "ConfigMap", {"metadata": new}, {"metadata": old}) == expected


TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
WEB = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
NO_MATCH = 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "expected"),
    [
        pytest.param(APPS, "Deployment", WEB, [], id="deployment"),
        pytest.param(
            APPS,
            "Deployment",
            {**WEB, "replicas": -1},
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
            id="negative replicas",
        ),
        pytest.param(
            APPS, "Deployment", {"template": TEMPLATE}, ["spec.selector: Required value", NO_MATCH], id="no selector"
        ),
        pytest.param(
            APPS,
            "Deployment",
            {**WEB, "selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
            id="empty selector",
        ),
        pytest.param(
            APPS, "Deployment", {**WEB, "selector": {"matchLabels": {"app": "db"}}}, [NO_MATCH], id="other labels"
        ),
        pytest.param(
            APPS,
            "Deployment",
            {**WEB, "selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}},
            [
                "spec.selector.matchExpressions[0].values: Required value: "
                "must be specified when `operator` is 'In' or 'NotIn'",
                NO_MATCH,
            ],
            id="In without values",
        ),
        pytest.param(
            APPS,
            "Deployment",
            {**WEB, "strategy": {"type": "Recreate", "rollingUpdate": {}}},
            ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
            id="recreate and roll",
        ),
        pytest.param(
            APPS,
            "Deployment",
            {**WEB, "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "0%"}}},
            ["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
            id="no room to roll",
        ),
        pytest.param(
            APPS,
            "Deployment",
            {**WEB, "progressDeadlineSeconds": 5, "minReadySeconds": 5},
            ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"],
            id="deadline before ready",
        ),
        pytest.param(
            APPS,
            "ReplicaSet",
            {**WEB, "template": {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}},  # type: ignore[dict-item]
            ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
            id="pods that end",
        ),
        pytest.param(APPS, "StatefulSet", WEB, [], id="stateful set"),
        pytest.param(
            APPS,
            "StatefulSet",
            {**WEB, "podManagementPolicy": "Random"},
            ["spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"],
            id="stateful set's order",
        ),
        pytest.param(APPS, "DaemonSet", WEB, [], id="daemon set"),
        pytest.param(
            APPS,
            "DaemonSet",
            {**WEB, "updateStrategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}},
            [
                "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: "
                "may not be set when maxUnavailable is non-zero"
            ],
            id="daemon set's surge",
        ),
        pytest.param(
            "v1", "ReplicationController", {"selector": {"app": "db"}, "template": TEMPLATE}, [NO_MATCH], id="rc"
        ),
    ],
)
def test_workload(api_version: str, kind: str, spec: dict[str, Any], expected: list[str]) -> None:
    assert errors(api_version, kind, {"spec": spec}) == expected


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet"])
def test_selectors_are_for_ever(kind: str) -> None:
    more = {"matchLabels": {"app": "web", "tier": "front"}}
    labels = {"labels": {"app": "web", "tier": "front"}}
    new = {**WEB, "selector": more, "template": {**TEMPLATE, "metadata": labels}}
    assert update_errors(APPS, kind, {"spec": new}, {"spec": WEB}) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable'
    ]


def test_stateful_set_keeps_its_service() -> None:
    (error,) = update_errors(APPS, "StatefulSet", {"spec": {**WEB, "serviceName": "b"}}, {"spec": WEB})
    assert error.startswith("spec: Forbidden: updates to statefulset spec for fields other than 'replicas'")


PORT = {"port": 80}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"ports": [PORT]}, [], id="fine"),
        pytest.param({}, ["spec.ports: Required value"], id="no ports"),
        pytest.param({"clusterIP": "None"}, [], id="headless needs none"),
        pytest.param({"type": "ExternalName"}, ["spec.externalName: Required value"], id="no external name"),
        pytest.param({"type": "ExternalName", "externalName": "a.example.com."}, [], id="external name"),
        pytest.param(
            {"type": "Magic", "ports": [PORT]},
            [
                'spec.type: Unsupported value: "Magic": supported values: '
                '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
            ],
            id="type",
        ),
        pytest.param(
            {"ports": [PORT, {"port": 81}]},
            ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
            id="two ports without names",
        ),
        pytest.param(
            {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]},
            ['spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}'],
            id="a port twice",
        ),
        pytest.param(
            {"ports": [{"port": 80, "nodePort": 30000}]},
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
            id="node port of a cluster IP",
        ),
        pytest.param(
            {"ports": [PORT], "clusterIP": "nonsense"},
            [
                'spec.clusterIPs[0]: Invalid value: "nonsense": '
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            ],
            id="no address",
        ),
        pytest.param(
            {"type": "NodePort", "clusterIP": "None", "ports": [PORT]},
            ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
            id="headless node port",
        ),
        pytest.param(
            {
                "ports": [PORT],
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 90000}},
            },
            [
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: "
                "must be greater than 0 and less than 86400"
            ],
            id="affinity for more than a day",
        ),
        pytest.param(
            {"ports": [PORT], "externalTrafficPolicy": "Local"},
            ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
            id="traffic from outside",
        ),
    ],
)
def test_service(spec: dict[str, Any], expected: list[str]) -> None:
    assert errors("v1", "Service", {"spec": spec}) == expected


def test_service_keeps_its_address() -> None:
    addresses = ("10.96.0.8", "10.96.0.7")
    new, old = ({"spec": {"ports": [PORT], "clusterIP": one, "clusterIPs": [one]}} for one in addresses)
    assert update_errors("v1", "Service", new, old) == [
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'
    ]


MIB = "x" * (2**20 + 1)
FROZEN = "Forbidden: field is immutable when `immutable` is set"
EVERY = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
ROLE = {"roleRef": {"kind": "Role", "name": "r"}}


@pytest.mark.parametrize(
    ("api_version", "kind", "document", "expected"),
    [
        pytest.param(
            "v1",
            "ConfigMap",
            {"data": {"a.b": MIB}},
            ["[]: Too long: may not be more than 1048576 bytes"],
            id="config map size",
        ),
        pytest.param(
            "v1",
            "ConfigMap",
            {"data": {"..": ""}},
            ["data[..]: Invalid value: \"..\": must not be '..'"],
            id="config map key",
        ),
        pytest.param(
            "v1",
            "Secret",
            {"stringData": {"a": MIB}},
            ["data: Too long: may not be more than 1048576 bytes"],
            id="secret size",
        ),
        pytest.param(
            "v1",
            "Secret",
            {"type": "kubernetes.io/tls", "data": {"tls.crt": ""}},
            ["data[tls.key]: Required value"],
            id="TLS secret",
        ),
        pytest.param(
            "v1",
            "Secret",
            {"type": "kubernetes.io/service-account-token"},
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
            id="token secret",
        ),
        pytest.param(
            "v1",
            "Node",
            {"spec": {"taints": [{"key": "a", "effect": "Maybe"}]}},
            [
                'spec.taints[0].effect: Unsupported value: "Maybe": supported values: '
                '"NoSchedule", "PreferNoSchedule", "NoExecute"'
            ],
            id="taint",
        ),
        pytest.param(
            "v1",
            "Namespace",
            {"metadata": {"name": "a.b"}},
            ['metadata.name: Invalid value: "a.b": must not contain dots'],
            id="namespace",
        ),
        pytest.param(
            "v1",
            "Namespace",
            {"metadata": {"namespace": "a"}},
            ["metadata.namespace: Forbidden: not allowed on this type"],
            id="namespace in one",
        ),
        pytest.param(
            RBAC,
            "Role",
            {"rules": [{**EVERY, "verbs": []}]},
            ["rules[0].verbs: Required value: verbs must contain at least one value"],
            id="no verbs",
        ),
        pytest.param(
            RBAC,
            "Role",
            {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/"]}]},
            ['rules[0].nonResourceURLs: Invalid value: ["/"]: namespaced rules cannot apply to non-resource URLs'],
            id="URLs in a namespace",
        ),
        pytest.param(RBAC, "ClusterRole", {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/"]}]}, [], id="URLs"),
        pytest.param(RBAC, "RoleBinding", {**ROLE, "metadata": {"name": "system:x"}}, [], id="binding with a colon"),
        pytest.param(
            RBAC,
            "ClusterRoleBinding",
            ROLE,
            ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
            id="role for all",
        ),
        pytest.param(
            RBAC,
            "RoleBinding",
            {**ROLE, "subjects": [{"kind": "Robot", "name": "r"}]},
            ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
            id="subject",
        ),
        pytest.param(
            "coordination.k8s.io/v1",
            "Lease",
            {"spec": {"leaseDurationSeconds": 0}},
            ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
            id="lease",
        ),
        pytest.param(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            {"addressType": "IPv4", "endpoints": [{"addresses": ["fd00::1"]}, {}]},
            [
                'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address',
                "endpoints[1].addresses: Required value: must contain at least 1 address",
            ],
            id="endpoint slice",
        ),
        pytest.param(
            "v1",
            "Endpoints",
            {"subsets": [{"addresses": [{"ip": "127.0.0.1"}], "ports": [PORT]}]},
            [
                'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": '
                "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            ],
            id="endpoints on loopback",
        ),
        pytest.param(
            "v1",
            "Event",
            {"involvedObject": {"namespace": "other"}},
            ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
            id="event of another namespace",
        ),
        pytest.param(
            "v1",
            "Event",
            {"metadata": {"namespace": "default"}, "involvedObject": {"kind": "Node"}},
            [],
            id="event of a node",
        ),
        pytest.param(
            "v1",
            "PersistentVolumeClaim",
            {},
            [
                "spec.accessModes: Required value: at least 1 access mode is required",
                "spec.resources[storage]: Required value",
            ],
            id="claim",
        ),
        pytest.param(
            "v1",
            "PersistentVolume",
            {"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}},
            ["spec: Required value: must specify a volume type"],
            id="volume",
        ),
        pytest.param(
            "v1",
            "ResourceQuota",
            {"spec": {"hard": {"pods": "1500m"}}},
            ['spec.hard[pods]: Invalid value: "1500m": must be an integer'],
            id="quota",
        ),
        pytest.param(
            "v1",
            "LimitRange",
            {"spec": {"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}},
            ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than default request value 1'],
            id="limit range",
        ),
    ],
)
def test_other_kinds(api_version: str, kind: str, document: dict[str, Any], expected: list[str]) -> None:
    assert errors(api_version, kind, document) == expected


@pytest.mark.parametrize(
    ("api_version", "kind", "new", "old", "expected"),
    [
        pytest.param(
            "v1",
            "ConfigMap",
            {"immutable": True, "data": {"a": "2"}},
            {"immutable": True, "data": {"a": "1"}},
            [f"data: {FROZEN}"],
            id="frozen data",
        ),
        pytest.param(
            "v1",
            "ConfigMap",
            {"data": {"a": "1"}},
            {"immutable": True, "data": {"a": "1"}},
            [f"immutable: {FROZEN}"],
            id="thawing",
        ),
        pytest.param(
            "v1",
            "Secret",
            {"type": "b"},
            {"type": "a"},
            ['type: Invalid value: "b": field is immutable'],
            id="secret type",
        ),
        pytest.param(
            RBAC,
            "RoleBinding",
            {"roleRef": {"kind": "Role", "name": "s"}},
            ROLE,
            [
                'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"s"}: '
                "cannot change roleRef"
            ],
            id="another role",
        ),
        pytest.param(
            "v1",
            "Node",
            {"spec": {"podCIDR": "10.1.0.0/24"}},
            {"spec": {"podCIDR": "10.2.0.0/24"}},
            ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
            id="another pod range",
        ),
    ],
)
def test_updates(api_version: str, kind: str, new: dict[str, Any], old: dict[str, Any], expected: list[str]) -> None:
    assert update_errors(api_version, kind, new, old) == expected


def a_request(kind: str = "CERTIFICATE REQUEST") -> str:
    builder = x509.CertificateSigningRequestBuilder()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jane")])
    signed = builder.subject_name(subject).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM).replace(b"CERTIFICATE REQUEST", kind.encode())
    return base64.b64encode(pem).decode()


SIGNER = "kubernetes.io/kube-apiserver-client"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, [], id="fine"),
        pytest.param(
            {"request": a_request("CERTIFICATE")}, ["PEM block type must be CERTIFICATE REQUEST"], id="no request"
        ),
        pytest.param({"usages": []}, ["spec.usages: Required value"], id="no usages"),
        pytest.param({"usages": ["fun"]}, ['spec.usages[0]: Unsupported value: "fun"'], id="usage"),
        pytest.param({"signerName": "me"}, ["must be a fully qualified domain and path of the form"], id="signer"),
        pytest.param(
            {"expirationSeconds": 10}, ["may not specify a duration less than 600 seconds (10 minutes)"], id="short"
        ),
    ],
)
def test_signing_request(spec: dict[str, Any], expected: list[str]) -> None:
    whole = {"request": a_request(), "usages": ["client auth"], "signerName": SIGNER, **spec}
    found = errors(CSR, "CertificateSigningRequest", {"spec": whole})
    assert len(found) == len(expected), found
    assert all(part in text for text, part in zip(found, expected, strict=True)), found


def test_a_decision_is_final() -> None:
    spec = {"request": a_request(), "usages": ["client auth"], "signerName": SIGNER}

    def decided(*types: str) -> Any:
        conditions = [{"type": one, "status": "True"} for one in types]
        return an_object(CSR, "CertificateSigningRequest", {"spec": spec, "status": {"conditions": conditions}})

    def approval(new: Any, old: Any) -> list[str]:
        resource = BY_KIND[CSR, "CertificateSigningRequest"]
        return [error.text for error in validate_subresource_update(resource, "approval", new, old)]

    assert approval(decided("Approved"), decided()) == []
    assert approval(decided(), decided("Approved")) == [
        'status.conditions: Forbidden: updates may not remove a condition of type "Approved"'
    ]
    assert approval(decided("Approved", "Denied"), decided("Approved")) == [
        'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'
    ]


def test_namespace_ends_when_it_is_deleted() -> None:
    resource = BY_KIND["v1", "Namespace"]
    active = an_object("v1", "Namespace", {})
    ending = an_object("v1", "Namespace", {"status": {"phase": "Terminating"}})
    assert [error.text for error in validate_status_update(resource, ending, active)] == [
        "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"
    ]
