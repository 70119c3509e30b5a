"""What is filled in when a field is absent, kind by kind."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from controlplane.api.defaults import apply_defaults
from controlplane.api.defaults.containers import pull_policy
from controlplane.api.quantity import QuantityError
from controlplane.api.resources import BY_KIND


def defaulted(api_version: str, kind: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with its defaults; they must not change when applied again."""
    resource, once = BY_KIND[api_version, kind], copy.deepcopy(document)
    apply_defaults(resource, once)
    twice = copy.deepcopy(once)
    apply_defaults(resource, twice)
    assert twice == once
    return once


def pod_spec(**spec: Any) -> dict[str, Any]:
    return defaulted("v1", "Pod", {"spec": spec})["spec"]


def container(**fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = pod_spec(containers=[fields])["containers"][0]
    return found


def volume(**source: Any) -> dict[str, Any]:
    found: dict[str, Any] = pod_spec(volumes=[{"name": "v", **source}])["volumes"][0]
    return found


def test_pod_spec() -> None:
    assert pod_spec() == {
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


def test_what_is_set_stays() -> None:
    spec = pod_spec(restartPolicy="Never", terminationGracePeriodSeconds=0, enableServiceLinks=False)
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"], spec["enableServiceLinks"]) == (
        "Never",
        0,
        False,
    )


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        pytest.param("nginx", "Always", id="no tag is latest"),
        pytest.param("nginx:latest", "Always", id="latest"),
        pytest.param("nginx:1.14.2", "IfNotPresent", id="a tag"),
        pytest.param("localhost:5000/nginx", "Always", id="a port is no tag"),
        pytest.param("localhost:5000/nginx:1", "IfNotPresent", id="a port and a tag"),
        pytest.param("nginx@sha256:0123", "IfNotPresent", id="a digest"),
        pytest.param("nginx:latest@sha256:0123", "Always", id="a digest and latest"),
        pytest.param("", "IfNotPresent", id="no image, which validation refuses"),
    ],
)
def test_image_pull_policy(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_container() -> None:
    assert container(image="a:1", ports=[{"containerPort": 80}], livenessProbe={"httpGet": {"port": 80}}) == {
        "image": "a:1",
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": {},
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "livenessProbe": {
            "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
            "timeoutSeconds": 1,
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 3,
        },
    }


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param(
            {"limits": {"cpu": 1, "memory": "1024Mi"}},
            {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}},
            id="requests follow limits",
        ),
        pytest.param(
            {"limits": {"cpu": 1}, "requests": {"cpu": "0.5"}},
            {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}},
            id="unless they are said",
        ),
        pytest.param({"requests": {"cpu": "1u"}}, {"requests": {"cpu": "1m"}}, id="thousandths are the least"),
    ],
)
def test_resources_of_a_pod(resources: dict[str, Any], expected: dict[str, Any]) -> None:
    assert container(resources=resources)["resources"] == expected


def test_requests_of_a_template_do_not_follow() -> None:
    template = {"spec": {"containers": [{"resources": {"limits": {"cpu": 1}}}]}}
    found = defaulted("apps/v1", "Deployment", {"spec": {"template": template}})
    assert found["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}
    assert "enableServiceLinks" not in found["spec"]["template"]["spec"]


def test_host_network_publishes_the_ports() -> None:
    spec = pod_spec(hostNetwork=True, containers=[{"ports": [{"containerPort": 80}]}])
    assert spec["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP", "hostPort": 80}]


def test_environment_references() -> None:
    found = container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}])
    assert found["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"


def test_both_names_of_the_service_account() -> None:
    assert pod_spec(serviceAccount="old")["serviceAccountName"] == "old"
    assert pod_spec(serviceAccountName="new", serviceAccount="old")["serviceAccount"] == "new"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param({}, {"emptyDir": {}}, id="no source"),
        pytest.param({"configMap": {"name": "c"}}, {"configMap": {"name": "c", "defaultMode": 420}}, id="config map"),
        pytest.param(
            {"secret": {"secretName": "s", "defaultMode": 256}},
            {"secret": {"secretName": "s", "defaultMode": 256}},
            id="secret with a mode",
        ),
        pytest.param(
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {
                "projected": {
                    "defaultMode": 420,
                    "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                }
            },
            id="token",
        ),
        pytest.param({"emptyDir": {"sizeLimit": "1024Ki"}}, {"emptyDir": {"sizeLimit": "1Mi"}}, id="size limit"),
    ],
)
def test_volume(source: dict[str, Any], expected: dict[str, Any]) -> None:
    assert volume(**source) == {"name": "v", **expected}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({"podIP": "1.1.1.1"}, {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}]}, id="one makes many"),
        pytest.param(
            {"podIPs": [{"ip": "1.1.1.1"}, {"ip": "fd::1"}]},
            {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}, {"ip": "fd::1"}]},
            id="many make one",
        ),
        pytest.param(
            {"podIP": "1.1.1.1", "podIPs": [{"ip": "2.2.2.2"}]},
            {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}]},
            id="one decides",
        ),
    ],
)
def test_pod_addresses(status: dict[str, Any], expected: dict[str, Any]) -> None:
    assert defaulted("v1", "Pod", {"status": status})["status"] == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {"ports": [{"port": 80}]},
            {
                "type": "ClusterIP",
                "sessionAffinity": "None",
                "internalTrafficPolicy": "Cluster",
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
            },
            id="cluster IP",
        ),
        pytest.param(
            {"type": "NodePort"},
            {
                "type": "NodePort",
                "sessionAffinity": "None",
                "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Cluster",
            },
            id="node port",
        ),
        pytest.param(
            {"type": "LoadBalancer"},
            {
                "type": "LoadBalancer",
                "sessionAffinity": "None",
                "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Cluster",
                "allocateLoadBalancerNodePorts": True,
            },
            id="load balancer",
        ),
        pytest.param({"type": "ExternalName"}, {"type": "ExternalName", "sessionAffinity": "None"}, id="external name"),
        pytest.param(
            {"sessionAffinity": "ClientIP"},
            {
                "type": "ClusterIP",
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
                "internalTrafficPolicy": "Cluster",
            },
            id="affinity for three hours",
        ),
    ],
)
def test_service(spec: dict[str, Any], expected: dict[str, Any]) -> None:
    assert defaulted("v1", "Service", {"spec": spec})["spec"] == expected


ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "expected"),
    [
        pytest.param(
            "apps/v1",
            "Deployment",
            {},
            {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": ROLLING},
            id="deployment",
        ),
        pytest.param(
            "apps/v1",
            "Deployment",
            {"replicas": 0, "strategy": {"type": "Recreate"}},
            {"replicas": 0, "strategy": {"type": "Recreate"}},
            id="deployment that recreates",
        ),
        pytest.param("apps/v1", "ReplicaSet", {}, {"replicas": 1}, id="replica set"),
        pytest.param(
            "apps/v1",
            "StatefulSet",
            {},
            {
                "podManagementPolicy": "OrderedReady",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            },
            id="stateful set",
        ),
        pytest.param(
            "apps/v1",
            "DaemonSet",
            {},
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}},
            id="daemon set",
        ),
        pytest.param(
            "v1",
            "ReplicationController",
            {"template": {"metadata": {"labels": {"a": "b"}}}},
            {"replicas": 1, "selector": {"a": "b"}},
            id="replication controller",
        ),
    ],
)
def test_workload(api_version: str, kind: str, spec: dict[str, Any], expected: dict[str, Any]) -> None:
    found = defaulted(api_version, kind, {"spec": spec})["spec"]
    assert {name: found[name] for name in expected} == expected
    assert found["template"]["spec"]["restartPolicy"] == "Always"


@pytest.mark.parametrize(
    ("api_version", "kind", "document", "expected"),
    [
        pytest.param(
            "v1",
            "Namespace",
            {"metadata": {"name": "shop"}},
            {
                "metadata": {"name": "shop", "labels": {"kubernetes.io/metadata.name": "shop"}},
                "status": {"phase": "Active"},
            },
            id="namespace",
        ),
        pytest.param(
            "v1",
            "Secret",
            {"data": {"a": "eA=="}, "stringData": {"b": "y"}},
            {"type": "Opaque", "data": {"a": "eA==", "b": "eQ=="}},
            id="secret",
        ),
        pytest.param(
            "v1",
            "Node",
            {"spec": {"podCIDR": "10.244.1.0/24"}, "status": {"capacity": {"cpu": "2000m"}}},
            {
                "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]},
                "status": {"capacity": {"cpu": "2"}, "allocatable": {"cpu": "2"}},
            },
            id="node",
        ),
        pytest.param(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            {"ports": [{"port": 80}]},
            {"ports": [{"port": 80, "protocol": "TCP"}]},
            id="endpoint slice",
        ),
        pytest.param(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            {"roleRef": {"name": "r"}, "subjects": [{"kind": "User"}, {"kind": "ServiceAccount"}]},
            {
                "roleRef": {"name": "r", "apiGroup": "rbac.authorization.k8s.io"},
                "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io"}, {"kind": "ServiceAccount"}],
            },
            id="role binding",
        ),
        pytest.param(
            "v1",
            "LimitRange",
            {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}, "min": {"memory": "1Mi"}}]}},
            {
                "spec": {
                    "limits": [
                        {
                            "type": "Container",
                            "max": {"cpu": "1"},
                            "min": {"memory": "1Mi"},
                            "default": {"cpu": "1"},
                            "defaultRequest": {"memory": "1Mi", "cpu": "1"},
                        }
                    ]
                }
            },
            id="limit range",
        ),
        pytest.param("v1", "ConfigMap", {"data": {"a": "1024Mi"}}, {"data": {"a": "1024Mi"}}, id="config map"),
    ],
)
def test_other_kinds(api_version: str, kind: str, document: dict[str, Any], expected: dict[str, Any]) -> None:
    assert defaulted(api_version, kind, document) == expected


def test_amounts_that_cannot_be_read() -> None:
    with pytest.raises(QuantityError, match="regular expression"):
        container(resources={"limits": {"cpu": "lots"}})
