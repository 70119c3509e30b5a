"""Rules of autoscalers, disruption budgets, networking kinds, priority and runtime classes, with what breaks them."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.defaults import apply_defaults
from controlplane.api.resources import BY_KIND
from controlplane.api.validation import validate, validate_status_update, validate_update

Document = dict[str, Any]

NETWORKING = "networking.k8s.io/v1"


def an_object(api_version: str, kind: str, document: Document) -> Any:
    resource = BY_KIND[api_version, kind]
    metadata = {"name": "x", "resourceVersion": "7", **document.get("metadata", {})}
    if resource.namespaced:
        metadata.setdefault("namespace", "shop")
    document = {**document, "apiVersion": api_version, "metadata": metadata}
    apply_defaults(resource, document)
    return from_document(document, resource.type)


def errors(api_version: str, kind: str, document: Document) -> list[str]:
    return [e.text for e in validate(BY_KIND[api_version, kind], an_object(api_version, kind, document))]


def update_errors(api_version: str, kind: str, new: Document, old: Document) -> list[str]:
    objects = an_object(api_version, kind, new), an_object(api_version, kind, old)
    return [e.text for e in validate_update(BY_KIND[api_version, kind], *objects)]


def status_errors(api_version: str, kind: str, status: Document) -> list[str]:
    new, old = an_object(api_version, kind, {"status": status}), an_object(api_version, kind, {})
    return [e.text for e in validate_status_update(BY_KIND[api_version, kind], new, old)]


DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
PODS = {"metric": {"name": "qps"}, "target": {"type": "AverageValue", "averageValue": "10"}}
EXTERNAL = {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "10"}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, [], id="fine"),
        pytest.param(
            {"maxReplicas": 0},
            [
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
            ],
            id="none",
        ),
        pytest.param(
            {"minReplicas": 0},
            [
                "spec.metrics: Forbidden: must specify at least one Object or External metric to support "
                "scaling to zero "
                "replicas"
            ],
            id="nothing would wake it up",
        ),
        pytest.param(
            {"minReplicas": 0, "metrics": [{"type": "External", "external": EXTERNAL}]}, [], id="a queue would"
        ),
        pytest.param(
            {"scaleTargetRef": {"kind": "Deployment", "apiVersion": "v1"}},
            [
                "spec.scaleTargetRef.name: Required value",
                'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
            ],
            id="target",
        ),
        pytest.param(
            {"scaleTargetRef": {"kind": "ReplicationController", "apiVersion": "v1", "name": "web"}},
            [],
            id="an old one",
        ),
        pytest.param(
            {"metrics": [{"type": "Pods"}]},
            ["spec.metrics[0].pods: Required value: must populate information for the given metric source"],
            id="a source without content",
        ),
        pytest.param(
            {"metrics": [{"type": "Pods", "pods": PODS, "external": EXTERNAL}]},
            ["spec.metrics[0].external: Forbidden: must populate the given metric source only"],
            id="two sources",
        ),
        pytest.param(
            {"metrics": [{"type": "Odd"}]},
            [
                'spec.metrics[0].type: Unsupported value: "Odd": supported values: "ContainerResource", "External", '
                '"Object", "Pods", "Resource"'
            ],
            id="unknown source",
        ),
        pytest.param(
            {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}]},
            [
                "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a "
                "target raw value "
                "or a target utilization"
            ],
            id="no target",
        ),
        pytest.param(
            {
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 0}},
                    }
                ]
            },
            ["spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"],
            id="no use",
        ),
        pytest.param(
            {
                "metrics": [
                    {
                        "type": "Object",
                        "object": {
                            "metric": {"name": "rps"},
                            "target": {"type": "Value", "value": "-1"},
                            "describedObject": {"kind": "Ingress", "name": "main"},
                        },
                    }
                ]
            },
            ['spec.metrics[0].object.target.value: Invalid value: "-1": must be positive'],
            id="less than nothing",
        ),
        pytest.param(
            {
                "metrics": [
                    {
                        "type": "ContainerResource",
                        "containerResource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "averageUtilization": 5},
                        },
                    }
                ]
            },
            ["spec.metrics[0].containerResource.container: Required value: must specify a container"],
            id="which container",
        ),
        pytest.param(
            {
                "behavior": {
                    "scaleDown": {
                        "stabilizationWindowSeconds": 3601,
                        "selectPolicy": "Odd",
                        "policies": [{"type": "Pods", "value": 0, "periodSeconds": 1801}],
                    }
                }
            },
            [
                "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than "
                "or equal to "
                "3600",
                'spec.behavior.scaleDown.selectPolicy: Unsupported value: "Odd": supported values: "Disabled", "Max", '
                '"Min"',
                "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
                "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to "
                "1800",
            ],
            id="behaviour",
        ),
    ],
)
def test_autoscaler(spec: Document, expected: list[str]) -> None:
    document = {"spec": {"scaleTargetRef": DEPLOYMENT, "maxReplicas": 3, **spec}}
    assert errors("autoscaling/v2", "HorizontalPodAutoscaler", document) == expected


def test_behaviour_is_filled_in_beside_what_is_said() -> None:
    spec = {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 30}}}
    found = an_object("autoscaling/v2", "HorizontalPodAutoscaler", {"spec": spec}).spec
    assert found.behavior.scale_up.stabilization_window_seconds == 30
    assert [policy.type for policy in found.behavior.scale_up.policies] == ["Pods", "Percent"]
    assert found.behavior.scale_down.stabilization_window_seconds is None
    assert (found.min_replicas, found.metrics[0].resource.target.average_utilization) == (1, 80)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"minAvailable": "50%"}, [], id="fine"),
        pytest.param(
            {"minAvailable": 1, "maxUnavailable": 1},
            [
                'spec: Invalid value: {"maxUnavailable":1,"minAvailable":1}: minAvailable and maxUnavailable cannot be '
                "both set"
            ],
            id="both",
        ),
        pytest.param(
            {"minAvailable": "101%"},
            ['spec.minAvailable: Invalid value: "101%": must not be greater than 100%'],
            id="more than all",
        ),
        pytest.param(
            {"maxUnavailable": -1},
            ["spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0"],
            id="less than none",
        ),
        pytest.param(
            {"unhealthyPodEvictionPolicy": "Never"},
            [
                'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", '
                '"IfHealthyBudget"'
            ],
            id="policy",
        ),
    ],
)
def test_disruption_budget(spec: Document, expected: list[str]) -> None:
    assert errors("policy/v1", "PodDisruptionBudget", {"spec": spec}) == expected


def test_conditions_are_complete() -> None:
    conditions = [{"type": "A", "status": "Maybe", "reason": "-"}, {"type": "A", "status": "True", "reason": "R"}]
    found = status_errors("policy/v1", "PodDisruptionBudget", {"conditions": conditions, "currentHealthy": -1})
    assert [text.partition(":")[0] for text in found] == [
        "status.conditions[0].status",
        "status.conditions[0].lastTransitionTime",
        "status.conditions[0].reason",
        "status.conditions[1]",
        "status.conditions[1].lastTransitionTime",
        "status.currentHealthy",
    ]


BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def rule(host: str = "", **path: Any) -> Document:
    return {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND, **path}]}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"rules": [rule("a.example.com")]}, [], id="fine"),
        pytest.param({"rules": [rule("*.example.com")]}, [], id="wildcard"),
        pytest.param(
            {}, ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"], id="empty"
        ),
        pytest.param(
            {"rules": [rule("10.0.0.1")]},
            ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
            id="address",
        ),
        pytest.param(
            {"rules": [rule("a*.example.com")]},
            [
                'spec.rules[0].host: Invalid value: "a*.example.com": a wildcard DNS-1123 subdomain must '
                "start with '*.', "
                "followed by a valid DNS subdomain, which must consist of lower case alphanumeric "
                "characters, '-' or '.' "
                "and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is "
                r"'\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ],
            id="star in the middle",
        ),
        pytest.param(
            {"rules": [rule(pathType="")]},
            ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
            id="no path type",
        ),
        pytest.param(
            {"rules": [rule(pathType="Regex")]},
            [
                'spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", '
                '"ImplementationSpecific", "Prefix"'
            ],
            id="path type",
        ),
        pytest.param(
            {"rules": [rule(path="a//b/..")]},
            [
                'spec.rules[0].http.paths[0].path: Invalid value: "a//b/..": must be an absolute path',
                "spec.rules[0].http.paths[0].path: Invalid value: \"a//b/..\": must not contain '//'",
                "spec.rules[0].http.paths[0].path: Invalid value: \"a//b/..\": cannot end with '/..'",
            ],
            id="path",
        ),
        pytest.param({"rules": [rule(path="", pathType="ImplementationSpecific")]}, [], id="no path"),
        pytest.param(
            {"rules": [rule(backend={})]},
            ['spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required'],
            id="no backend",
        ),
        pytest.param(
            {"defaultBackend": {"service": {"name": "web"}}},
            ["spec.defaultBackend: Required value: port name or number is required"],
            id="no port",
        ),
        pytest.param(
            {"defaultBackend": {**BACKEND, "resource": {"kind": "A", "name": "a"}}},
            ['spec.defaultBackend: Invalid value: "": cannot set both resource and service backends'],
            id="two",
        ),
        pytest.param(
            {"defaultBackend": {"resource": {"name": "a/b"}}},
            [
                "spec.defaultBackend.resource.kind: Required value",
                "spec.defaultBackend.resource.name: Invalid value: \"a/b\": may not contain '/'",
            ],
            id="reference",
        ),
        pytest.param(
            {"rules": [rule()], "tls": [{"hosts": ["A"], "secretName": "s_"}]},
            ['spec.tls[0].hosts[0]: Invalid value: "A": a lowercase', 'spec.tls[0].secretName: Invalid value: "s_"'],
            id="TLS",
        ),
    ],
)
def test_ingress(spec: Document, expected: list[str]) -> None:
    found = errors(NETWORKING, "Ingress", {"spec": spec})
    assert len(found) == len(expected), found
    for text, start in zip(found, expected, strict=True):
        assert text.startswith(start)


def test_the_two_names_of_an_ingress_class_agree_at_birth() -> None:
    document = {
        "metadata": {"annotations": {"kubernetes.io/ingress.class": "a"}},
        "spec": {"ingressClassName": "b", "defaultBackend": BACKEND},
    }
    why = "must match `ingressClassName` when both are specified"
    assert errors(NETWORKING, "Ingress", document) == [
        f'annotations.kubernetes.io/ingress.class: Invalid value: "a": {why}'
    ]
    assert update_errors(NETWORKING, "Ingress", document, document) == []


def test_ingress_status() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "1.2.3", "hostname": "1.2.3.4"}]}}
    assert [text.partition(": ")[0] for text in status_errors(NETWORKING, "Ingress", status)] == [
        "status.loadBalancer.ingress[0].ip",
        "status.loadBalancer.ingress[0].hostname",
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"controller": "acme.io/a"}, [], id="fine"),
        pytest.param({}, ["spec.controller: Required value"], id="whose"),
        pytest.param(
            {"controller": "acme"},
            ['spec.controller: Invalid value: "acme": must be a domain-prefixed path (such as "acme.io/foo")'],
            id="path",
        ),
        pytest.param(
            {"controller": "acme.io/a", "parameters": {"kind": "A", "name": "a", "namespace": "n"}},
            ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
            id="of the cluster",
        ),
        pytest.param(
            {"controller": "acme.io/a", "parameters": {"kind": "A", "name": "a", "scope": "Namespace"}},
            ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
            id="of a namespace",
        ),
    ],
)
def test_ingress_class(spec: Document, expected: list[str]) -> None:
    assert errors(NETWORKING, "IngressClass", {"spec": spec}) == expected


def peer(**fields: Any) -> Document:
    return {"ingress": [{"from": [fields]}]}


def port(**fields: Any) -> Document:
    return {"egress": [{"ports": [fields]}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}), [], id="fine"),
        pytest.param(peer(), ["spec.ingress[0].from[0]: Required value: must specify a peer"], id="nobody"),
        pytest.param(
            peer(ipBlock={"cidr": "10.0.0.1/8"}),
            [
                'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the '
                "prefix length"
            ],
            id="more than a network",
        ),
        pytest.param(
            peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}),
            [
                'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict '
                "subset of `cidr`"
            ],
            id="elsewhere",
        ),
        pytest.param(
            peer(ipBlock={"cidr": "10.0.0.0/8"}, podSelector={}),
            ["spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"],
            id="both",
        ),
        pytest.param(
            port(port=80, endPort=79),
            ["spec.egress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"],
            id="backwards",
        ),
        pytest.param(
            port(port="http", endPort=80),
            ["spec.egress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric"],
            id="from a name",
        ),
        pytest.param(
            port(endPort=80),
            ["spec.egress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified"],
            id="from nowhere",
        ),
        pytest.param(
            port(port=0, protocol="ICMP"),
            [
                'spec.egress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
                "spec.egress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
            ],
            id="port",
        ),
        pytest.param(
            {"policyTypes": ["In"]},
            ['spec.policyTypes[0]: Unsupported value: "In": supported values: "Ingress", "Egress"'],
            id="type",
        ),
    ],
)
def test_network_policy(spec: Document, expected: list[str]) -> None:
    assert errors(NETWORKING, "NetworkPolicy", {"spec": {"podSelector": {}, **spec}}) == expected


@pytest.mark.parametrize(
    ("spec", "types"),
    [({}, ["Ingress"]), ({"egress": [{}]}, ["Ingress", "Egress"]), ({"policyTypes": ["Egress"]}, ["Egress"])],
)
def test_what_a_network_policy_is_about(spec: Document, types: list[str]) -> None:
    assert an_object(NETWORKING, "NetworkPolicy", {"spec": spec}).spec.policy_types == types


@pytest.mark.parametrize(
    ("name", "parent", "expected"),
    [
        pytest.param("10.0.0.1", {"resource": "services", "name": "a"}, [], id="fine"),
        pytest.param("2001:db8::1", {"resource": "services", "name": "a"}, [], id="fine as well"),
        pytest.param(
            "10.0.0.01",
            {"resource": "services", "name": "a"},
            ['metadata.name: Invalid value: "10.0.0.01": must not have leading 0s'],
            id="name",
        ),
        pytest.param("10.0.0.1", None, ["spec.parentRef: Required value"], id="no parent"),
        pytest.param(
            "10.0.0.1",
            {"group": "A"},
            [
                'spec.parentRef.group: Invalid value: "A": a lowercase',
                "spec.parentRef.resource: Required value",
                "spec.parentRef.name: Required value",
            ],
            id="parent",
        ),
    ],
)
def test_ip_address(name: str, parent: Document | None, expected: list[str]) -> None:
    spec = {} if parent is None else {"parentRef": parent}
    found = errors(NETWORKING, "IPAddress", {"metadata": {"name": name}, "spec": spec})
    assert len(found) == len(expected), found
    for text, start in zip(found, expected, strict=True):
        assert text.startswith(start)


@pytest.mark.parametrize(
    ("cidrs", "expected"),
    [
        pytest.param(["10.0.0.0/24", "fd00::/112"], [], id="fine"),
        pytest.param([], ["spec.cidrs: Required value: at least one CIDR required"], id="none"),
        pytest.param(
            ["10.0.0.0/24", "10.1.0.0/24"],
            [
                'spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP '
                "family, i.e 192.168.0.0/24 and 2001:db8::/64"
            ],
            id="one family",
        ),
        pytest.param(
            ["FD00::/112"],
            ['spec.cidrs[0]: Invalid value: "FD00::/112": must be in canonical form ("fd00::/112")'],
            id="canonical",
        ),
    ],
)
def test_service_cidr(cidrs: list[str], expected: list[str]) -> None:
    assert errors(NETWORKING, "ServiceCIDR", {"spec": {"cidrs": cidrs}}) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param(["10.0.0.0/24", "fd00::/112"], ["10.0.0.0/24"], [], id="dual stack"),
        pytest.param(
            ["10.1.0.0/24"],
            ["10.0.0.0/24"],
            ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable'],
            id="another",
        ),
        pytest.param(
            ["10.0.0.0/24"],
            ["10.0.0.0/24", "fd00::/112"],
            ['spec.cidrs: Invalid value: ["10.0.0.0/24"]: field is immutable'],
            id="one less",
        ),
    ],
)
def test_service_cidr_update(new: list[str], old: list[str], expected: list[str]) -> None:
    assert update_errors(NETWORKING, "ServiceCIDR", {"spec": {"cidrs": new}}, {"spec": {"cidrs": old}}) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"value": 1_000_000_000}, [], id="as high as may be"),
        pytest.param(
            {"value": 1_000_000_001},
            ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
            id="higher",
        ),
        pytest.param({"metadata": {"name": "system-node-critical"}, "value": 2_000_001_000}, [], id="of the system"),
        pytest.param(
            {"metadata": {"name": "system-node-critical"}, "value": 1},
            [
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for "
                "system use only. "
                "error: value of system-node-critical PriorityClass must be 2000001000"
            ],
            id="not the system's value",
        ),
        pytest.param(
            {"metadata": {"name": "system-mine"}, "value": 1},
            [
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for "
                "system use only. "
                "error: system-mine is not a known system priority class"
            ],
            id="not the system's name",
        ),
        pytest.param(
            {"preemptionPolicy": "Always"},
            ['preemptionPolicy: Unsupported value: "Always": supported values: "PreemptLowerPriority", "Never"'],
            id="policy",
        ),
    ],
)
def test_priority_class(document: Document, expected: list[str]) -> None:
    assert errors("scheduling.k8s.io/v1", "PriorityClass", document) == expected


def test_a_priority_stays() -> None:
    found = update_errors(
        "scheduling.k8s.io/v1", "PriorityClass", {"value": 2, "preemptionPolicy": "Never"}, {"value": 1}
    )
    assert found == [
        "value: Forbidden: may not be changed in an update.",
        'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"handler": "runsc", "overhead": {"podFixed": {"cpu": "100m"}}}, [], id="fine"),
        pytest.param({"handler": "a.b"}, ['handler: Invalid value: "a.b": must not contain dots'], id="handler"),
        pytest.param(
            {"handler": "a", "overhead": {"podFixed": {"cpu": "-1"}}},
            ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
            id="overhead",
        ),
        pytest.param(
            {"handler": "a", "scheduling": {"tolerations": [{"operator": "Odd", "key": "a"}]}},
            ['scheduling.tolerations[0].operator: Unsupported value: "Odd": supported values: "Equal", "Exists"'],
            id="toleration",
        ),
    ],
)
def test_runtime_class(document: Document, expected: list[str]) -> None:
    assert errors("node.k8s.io/v1", "RuntimeClass", document) == expected


def test_a_handler_stays() -> None:
    assert update_errors("node.k8s.io/v1", "RuntimeClass", {"handler": "b"}, {"handler": "a"}) == [
        'handler: Invalid value: "b": field is immutable'
    ]
