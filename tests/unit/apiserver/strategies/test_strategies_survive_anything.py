"""Whatever a client sends is accepted or refused; nothing it can write makes the server stumble."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.api.codec import from_document
from controlplane.api.resources import BY_KIND
from controlplane.api.status import BadRequest
from controlplane.apiserver.shape import shape_of
from controlplane.apiserver.strategies import Caller, strategy_for

CONTAINER = {
    "name": "web",
    "image": "nginx:1",
    "ports": [{"containerPort": 80, "hostPort": 80, "name": "http"}],
    "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
    "envFrom": [{"secretRef": {"name": "s"}}],
    "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
    "livenessProbe": {"httpGet": {"port": 80}},
    "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
    "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "a"}],
    "securityContext": {"runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
}
AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
        }
    },
    "podAntiAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "a", "labelSelector": {"matchLabels": {"a": "b"}}}}
        ]
    },
}
POD_SPEC = {
    "containers": [CONTAINER],
    "initContainers": [{"name": "init", "image": "a"}],
    "volumes": [
        {"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"configMap": {"name": "c"}}]}},
        {"name": "w", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "x", "downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu"}}]}},
    ],
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": AFFINITY,
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}],
    "dnsConfig": {"nameservers": ["1.1.1.1"], "options": [{"name": "ndots"}]},
    "hostAliases": [{"ip": "1.1.1.1", "hostnames": ["a"]}],
    "securityContext": {"sysctls": [{"name": "net.a", "value": "1"}], "fsGroup": 1},
}
WORKLOAD = {
    "replicas": 1,
    "selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
    "template": {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC},
}
JOB = {
    "completions": 2,
    "completionMode": "Indexed",
    "backoffLimitPerIndex": 1,
    "template": {"spec": {"containers": [{"name": "a", "image": "a"}], "restartPolicy": "Never"}},
    "podFailurePolicy": {
        "rules": [
            {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}},
            {"action": "Ignore", "onPodConditions": [{"type": "A"}]},
        ]
    },
    "successPolicy": {"rules": [{"succeededIndexes": "0", "succeededCount": 1}]},
}
SCALED = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 2}
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
METADATA = {
    "name": "x",
    "namespace": "shop",
    "labels": {"a": "b"},
    "annotations": {"a": "b"},
    "finalizers": ["a.b/c"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "A", "name": "a", "uid": "u", "controller": True}],
}
SAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("v1", "Pod"): {"spec": POD_SPEC, "status": {"podIPs": [{"ip": "1.1.1.1"}]}},
    ("apps/v1", "Deployment"): {"spec": {**WORKLOAD, "strategy": {"rollingUpdate": {"maxSurge": "25%"}}}},
    ("apps/v1", "StatefulSet"): {"spec": {**WORKLOAD, "volumeClaimTemplates": [{"metadata": {"name": "c"}}]}},
    ("apps/v1", "DaemonSet"): {"spec": {**WORKLOAD, "updateStrategy": {"rollingUpdate": {"maxUnavailable": 1}}}},
    ("v1", "ReplicationController"): {"spec": {**WORKLOAD, "selector": {"a": "b"}}},
    ("v1", "Service"): {
        "spec": {
            "ports": [{"port": 80, "targetPort": "http", "nodePort": 30000}],
            "type": "LoadBalancer",
            "clusterIPs": ["10.96.0.7"],
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}},
        }
    },
    ("v1", "Secret"): {"data": {"a": "eA=="}, "stringData": {"b": "c"}, "type": "kubernetes.io/dockerconfigjson"},
    ("v1", "ConfigMap"): {"data": {"a": "b"}, "binaryData": {"c": "eA=="}},
    ("v1", "Node"): {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}, "status": {"capacity": {"cpu": "1"}}},
    ("v1", "Namespace"): {"spec": {"finalizers": ["kubernetes"]}},
    ("v1", "LimitRange"): {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "0"}}]}},
    ("v1", "ResourceQuota"): {"spec": {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}},
    ("v1", "Endpoints"): {"subsets": [{"addresses": [{"ip": "1.1.1.1"}], "ports": [{"port": 1}]}]},
    ("discovery.k8s.io/v1", "EndpointSlice"): {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["1.1.1.1"]}],
        "ports": [{"port": 1, "name": "a"}],
    },
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): {
        "roleRef": {"kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "name": "u"}],
    },
    ("certificates.k8s.io/v1", "CertificateSigningRequest"): {
        "spec": {"request": "eA==", "usages": ["client auth"], "signerName": "a.b/c"},
        "status": {"conditions": [{"type": "Approved", "status": "True"}]},
    },
    ("v1", "PersistentVolumeClaim"): {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    ("v1", "PersistentVolume"): {"spec": {"capacity": {"storage": "1Gi"}, "hostPath": {"path": "/"}}},
    ("v1", "Event"): {"involvedObject": {"namespace": "shop"}, "eventTime": "2026-01-01T00:00:00.000000Z"},
    ("coordination.k8s.io/v1", "Lease"): {"spec": {"leaseDurationSeconds": 1}},
    ("batch/v1", "Job"): {"spec": JOB, "status": {"completedIndexes": "0-1", "conditions": [{"type": "Complete"}]}},
    ("batch/v1", "CronJob"): {"spec": {"schedule": "*/5 * * * *", "timeZone": "UTC", "jobTemplate": {"spec": JOB}}},
    ("autoscaling/v1", "HorizontalPodAutoscaler"): {"spec": {**SCALED, "targetCPUUtilizationPercentage": 5}},
    ("autoscaling/v2", "HorizontalPodAutoscaler"): {
        "spec": {
            **SCALED,
            "metrics": [
                {
                    "type": "Pods",
                    "pods": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "1"}},
                }
            ],
            "behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1}]}},
        }
    },
    ("policy/v1", "PodDisruptionBudget"): {"spec": {"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}}},
    ("networking.k8s.io/v1", "Ingress"): {
        "spec": {
            "rules": [{"host": "a.b", "http": {"paths": [{"path": "/", "pathType": "Exact", "backend": BACKEND}]}}],
            "defaultBackend": BACKEND,
            "tls": [{"hosts": ["a.b"], "secretName": "s"}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}},
    },
    ("networking.k8s.io/v1", "IngressClass"): {
        "spec": {"controller": "a.b/c", "parameters": {"kind": "A", "name": "a"}}
    },
    ("networking.k8s.io/v1", "NetworkPolicy"): {
        "spec": {
            "podSelector": {},
            "ingress": [
                {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 80}]}
            ],
        }
    },
    ("networking.k8s.io/v1", "IPAddress"): {"spec": {"parentRef": {"resource": "services", "name": "a"}}},
    ("networking.k8s.io/v1", "ServiceCIDR"): {"spec": {"cidrs": ["10.0.0.0/24"]}},
    ("scheduling.k8s.io/v1", "PriorityClass"): {"value": 1, "globalDefault": True},
    ("node.k8s.io/v1", "RuntimeClass"): {
        "handler": "h",
        "overhead": {"podFixed": {"cpu": "1"}},
        "scheduling": {"tolerations": [{"key": "a", "operator": "Exists"}]},
    },
}

Place = tuple[Any, ...]


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a document, the document itself not included."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*at, key)
        yield from places(inner, (*at, key))


def put(document: dict[str, Any], at: Place, value: Any) -> None:
    target: Any = document
    for step in at[:-1]:
        target = target[step]
    target[at[-1]] = value


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "-", "..", "a/b/c", "0", "-1", "1e99", "None", "é", "\x00", "a" * 300, "101%", "eA==", "::"]),
    st.text(max_size=6),
    st.just([]),
    st.just({}),
    st.just([{}]),
    st.just({"a": "b"}),
    st.just([None, "a"]),
)


@pytest.mark.parametrize("kind", SAMPLES, ids=".".join)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_odd_values_are_refused_or_accepted(kind: tuple[str, str], data: st.DataObject) -> None:
    strategy = strategy_for(BY_KIND[kind])
    document = copy.deepcopy({"metadata": METADATA, **SAMPLES[kind]})
    put(document, data.draw(st.sampled_from(list(places(document)))), data.draw(ODD))
    shape_of(strategy.resource.type).prune(document)  # as bodies and patches are, before anything else
    old = copy.deepcopy({"metadata": METADATA, **SAMPLES[kind]})
    strategy.default(old)
    strategy.prepare_create(old, Caller("jane"))
    try:
        strategy.default(document)
    except BadRequest:
        return
    created, changed = copy.deepcopy(document), document
    strategy.prepare_create(created, Caller("jane"))
    strategy.prepare_update(changed, old)
    new_object = from_document(created, strategy.resource.type)
    changed_object, old_object = (from_document(one, strategy.resource.type) for one in (changed, old))
    texts = [error.text for error in strategy.validate(new_object)]
    texts += [error.text for error in strategy.validate_update(changed_object, old_object)]
    texts += [error.text for error in strategy.validate_subresource_update("status", changed_object, old_object)]
    texts += strategy.warnings(new_object)
    assert all(texts)
    assert strategy.grace_period(new_object, None) >= 0
    assert all(isinstance(value, str) for value in strategy.selectable_fields(created).values())
