"""What `kubectl get -o wide` shows of every other kind: header and cells."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from controlplane.api.codec import encode, from_document
from controlplane.api.resources import BY_KIND, RESOURCES
from controlplane.api.status import BadRequest
from controlplane.apiserver.tables.render import render_table

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
META = {"name": "x", "creationTimestamp": "2026-11-21T07:00:00Z"}
TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "a", "image": "nginx:1"}, {"name": "b", "image": "log:2"}]},
}
SELECTOR = {"matchLabels": {"app": "web"}}
WORKLOAD = {"replicas": 3, "template": TEMPLATE, "selector": SELECTOR}
CAN = {"name": "x", "kind": "Role", "apiGroup": "rbac.authorization.k8s.io"}


def table(api_version: str, kind: str, content: Any, **options: Any) -> Any:
    resource = BY_KIND[(api_version, kind)]
    return render_table(resource, [{"metadata": META} | content], now=NOW, **{"include_object": "None"} | options)


def header(shown: Any) -> str:
    return " | ".join(("*" if one["priority"] else "") + one["name"] for one in shown["columnDefinitions"])


@pytest.mark.parametrize(
    ("api_version", "kind", "content", "columns", "cells"),
    [
        pytest.param(
            "apps/v1", "Deployment",
            {"spec": WORKLOAD, "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}},
            "Name | Ready | Up-to-date | Available | Age | *Containers | *Images | *Selector",
            ["x", "1/3", 2, 1, "5h", "a,b", "nginx:1,log:2", "app=web"],
        ),
        pytest.param(
            "apps/v1", "ReplicaSet", {"spec": WORKLOAD, "status": {"replicas": 2, "readyReplicas": 1}},
            "Name | Desired | Current | Ready | Age | *Containers | *Images | *Selector",
            ["x", 3, 2, 1, "5h", "a,b", "nginx:1,log:2", "app=web"],
        ),
        pytest.param(
            "v1", "ReplicationController",
            {"spec": WORKLOAD | {"selector": {"app": "web"}}, "status": {"replicas": 2}},
            "Name | Desired | Current | Ready | Age | *Containers | *Images | *Selector",
            ["x", 3, 2, 0, "5h", "a,b", "nginx:1,log:2", "app=web"],
        ),
        pytest.param(
            "apps/v1", "StatefulSet", {"spec": WORKLOAD, "status": {"readyReplicas": 3}},
            "Name | Ready | Age | *Containers | *Images",
            ["x", "3/3", "5h", "a,b", "nginx:1,log:2"],
        ),
        pytest.param(
            "apps/v1", "DaemonSet",
            {"spec": {"template": TEMPLATE, "selector": SELECTOR},
             "status": {"desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3,
                        "updatedNumberScheduled": 2, "numberAvailable": 1}},
            "Name | Desired | Current | Ready | Up-to-date | Available | Node Selector | Age"
            " | *Containers | *Images | *Selector",
            ["x", 5, 4, 3, 2, 1, "<none>", "5h", "a,b", "nginx:1,log:2", "app=web"],
        ),
        pytest.param(
            "apps/v1", "ControllerRevision",
            {"metadata": META | {"ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u", "controller": True}]},
             "revision": 4},
            "Name | Controller | Revision | Age",
            ["x", "daemonset.apps/d", 4, "5h"],
        ),
        pytest.param(
            "batch/v1", "Job",
            {"spec": {"completions": 3, "template": TEMPLATE, "selector": SELECTOR},
             "status": {"succeeded": 1, "startTime": "2026-11-21T11:59:00Z"}},
            "Name | Status | Completions | Duration | Age | *Containers | *Images | *Selector",
            ["x", "Running", "1/3", "60s", "5h", "a,b", "nginx:1,log:2", "app=web"],
        ),
        pytest.param(
            "batch/v1", "Job",
            {"spec": {"parallelism": 5, "template": TEMPLATE},
             "status": {"succeeded": 1, "startTime": "2026-11-21T11:00:00Z", "completionTime": "2026-11-21T11:05:30Z",
                        "conditions": [
                            {"type": "Suspended", "status": "False"}, {"type": "Complete", "status": "True"}]}},
            "Name | Status | Completions | Duration | Age | *Containers | *Images | *Selector",
            ["x", "Complete", "1/1 of 5", "5m30s", "5h", "a,b", "nginx:1,log:2", "<none>"],
        ),
        pytest.param(
            "batch/v1", "CronJob",
            {"spec": {"schedule": "@daily", "suspend": False, "jobTemplate": {"spec": {"template": TEMPLATE}}},
             "status": {"active": [{"name": "a"}], "lastScheduleTime": "2026-11-21T00:00:00Z"}},
            "Name | Schedule | Timezone | Suspend | Active | Last Schedule | Age | *Containers | *Images | *Selector",
            ["x", "@daily", "<none>", "False", 1, "12h", "5h", "a,b", "nginx:1,log:2", "<none>"],
        ),
        pytest.param(
            "autoscaling/v2", "HorizontalPodAutoscaler",
            {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 5, "minReplicas": 1,
                      "metrics": [
                          {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}},
                          {"type": "Pods", "pods": {"target": {"averageValue": "10"}}},
                          {"type": "External", "external": {"target": {"value": "1k"}}}]},
             "status": {"currentReplicas": 2, "currentMetrics": [
                 {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 30}}}]}},
            "Name | Reference | Targets | MinPods | MaxPods | Replicas | Age",
            ["x", "Deployment/web", "cpu: 30%/80%, <unknown>/10 + 1 more...", "1", 5, 2, "5h"],
        ),
        pytest.param(
            "autoscaling/v1", "HorizontalPodAutoscaler",
            {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 5,
                      "targetCPUUtilizationPercentage": 50}},
            "Name | Reference | Targets | MinPods | MaxPods | Replicas | Age",
            ["x", "Deployment/web", "cpu: <unknown>/50%", "<unset>", 5, 0, "5h"],
        ),
        pytest.param(
            "policy/v1", "PodDisruptionBudget",
            {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
            "Name | Min Available | Max Unavailable | Allowed Disruptions | Age", ["x", "50%", "N/A", 1, "5h"],
        ),
        pytest.param(
            "networking.k8s.io/v1", "Ingress",
            {"spec": {"ingressClassName": "nginx", "tls": [{}],
                      "rules": [{"host": "a.b"}, {"host": "c.d"}, {"host": "e.f"}, {"host": "g.h"}]},
             "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}, {"hostname": "lb.example.com"}]}}},
            "Name | Class | Hosts | Address | Ports | Age",
            ["x", "nginx", "a.b,c.d,e.f + 1 more...", "10.0.0.1,lb.example.com", "80, 443", "5h"],
        ),
        pytest.param(
            "networking.k8s.io/v1", "Ingress", {"spec": {}}, "Name | Class | Hosts | Address | Ports | Age",
            ["x", "<none>", "*", "", "80", "5h"],
        ),
        pytest.param(
            "networking.k8s.io/v1", "IngressClass",
            {"spec": {"controller": "acme.io/a", "parameters": {"apiGroup": "acme.io", "kind": "P", "name": "p"}}},
            "Name | Controller | Parameters | Age", ["x", "acme.io/a", "P.acme.io/p", "5h"],
        ),
        pytest.param(
            "networking.k8s.io/v1", "NetworkPolicy", {"spec": {"podSelector": SELECTOR}},
            "Name | Pod-Selector | Age", ["x", "app=web", "5h"],
        ),
        pytest.param(
            "networking.k8s.io/v1", "IPAddress",
            {"spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "kubernetes"}}},
            "Name | ParentRef | Age", ["x", "services/default/kubernetes", "5h"],
        ),
        pytest.param(
            "networking.k8s.io/v1", "ServiceCIDR", {"spec": {"cidrs": ["10.96.0.0/12", "fd00::/112"]}},
            "Name | CIDRs | Age", ["x", "10.96.0.0/12,fd00::/112", "5h"],
        ),
        pytest.param(
            "scheduling.k8s.io/v1", "PriorityClass", {"value": 7, "preemptionPolicy": "Never"},
            "Name | Value | Global-Default | Age | PreemptionPolicy", ["x", 7, False, "5h", "Never"],
        ),
        pytest.param(
            "node.k8s.io/v1", "RuntimeClass", {"handler": "runsc"}, "Name | Handler | Age", ["x", "runsc", "5h"],
        ),
        pytest.param(
            "v1", "PodTemplate", {"template": TEMPLATE}, "Name | Containers | Images | Pod Labels",
            ["x", "a,b", "nginx:1,log:2", "app=web"],
        ),
        pytest.param(
            "v1", "Service",
            {"spec": {"type": "NodePort", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"],
                      "selector": {"app": "web"},
                      "ports": [{"port": 80, "nodePort": 31080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}},
            "Name | Type | Cluster-IP | External-IP | Port(s) | Age | *Selector",
            ["x", "NodePort", "10.96.0.9", "<none>", "80:31080/TCP,53/UDP", "5h", "app=web"],
        ),
        pytest.param(
            "v1", "Endpoints",
            {"subsets": [{"addresses": [{"ip": f"10.0.0.{n}"} for n in range(1, 6)], "ports": [{"port": 80}]}]},
            "Name | Endpoints | Age",
            ["x", "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...", "5h"],
        ),
        pytest.param("v1", "Endpoints", {}, "Name | Endpoints | Age", ["x", "<none>", "5h"], id="no endpoints"),
        pytest.param(
            "discovery.k8s.io/v1", "EndpointSlice",
            {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}],
             "ports": [{"port": 80}, {"name": "any"}]},
            "Name | AddressType | Ports | Endpoints | Age",
            ["x", "IPv4", "80,any", "10.0.0.1,10.0.0.2", "5h"],
        ),
        pytest.param(
            "discovery.k8s.io/v1", "EndpointSlice", {"addressType": "IPv4"},
            "Name | AddressType | Ports | Endpoints | Age",
            ["x", "IPv4", "<unset>", "<unset>", "5h"], id="an empty slice",
        ),
        pytest.param(
            "v1", "Node",
            {"metadata": META | {"labels": {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "m"}},
             "spec": {"unschedulable": True},
             "status": {"conditions": [{"type": "Ready", "status": "True"}],
                        "addresses": [{"type": "InternalIP", "address": "192.168.56.10"}],
                        "nodeInfo": {"kubeletVersion": "v1.37.0", "osImage": "Debian", "kernelVersion": "6.1",
                                     "containerRuntimeVersion": "containerd://1.6.20"}}},
            "Name | Status | Roles | Age | Version | *Internal-IP | *External-IP | *OS-Image | *Kernel-Version"
            " | *Container-Runtime",
            ["x", "Ready,SchedulingDisabled", "control-plane,m", "5h", "v1.37.0", "192.168.56.10", "<none>",
             "Debian", "6.1", "containerd://1.6.20"],
        ),
        pytest.param(
            "v1", "Event",
            {"type": "Warning", "reason": "BackOff", "message": "Back-off \n", "count": 4,
             "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{web}"},
             "source": {"component": "kubelet", "host": "n1"},
             "firstTimestamp": "2026-11-21T11:00:00Z", "lastTimestamp": "2026-11-21T11:59:30Z"},
            "Last Seen | Type | Reason | Object | *Subobject | *Source | Message | *First Seen | *Count | *Name",
            ["30s", "Warning", "BackOff", "pod/p", "spec.containers{web}", "kubelet, n1", "Back-off", "60m", 4, "x"],
        ),
        pytest.param(
            "events.k8s.io/v1", "Event",
            {"type": "Normal", "reason": "Scheduled", "note": "ok", "regarding": {"kind": "Pod", "name": "p"},
             "reportingController": "scheduler", "eventTime": "2026-11-21T11:59:00.000000Z"},
            "Last Seen | Type | Reason | Object | *Subobject | *Source | Message | *First Seen | *Count | *Name",
            ["60s", "Normal", "Scheduled", "pod/p", "", "scheduler", "ok", "60s", 1, "x"],
        ),
        pytest.param(
            "v1", "Namespace", {"status": {"phase": "Active"}}, "Name | Status | Age", ["x", "Active", "5h"]
        ),
        pytest.param(
            "v1", "Secret", {"type": "Opaque", "data": {"a": "", "b": ""}}, "Name | Type | Data | Age",
            ["x", "Opaque", 2, "5h"],
        ),
        pytest.param(
            "v1", "ConfigMap", {"data": {"a": ""}, "binaryData": {"b": ""}}, "Name | Data | Age", ["x", 2, "5h"]
        ),
        pytest.param("v1", "ServiceAccount", {}, "Name | Secrets | Age", ["x", 0, "5h"]),
        pytest.param(
            "coordination.k8s.io/v1", "Lease", {"spec": {"holderIdentity": "n1"}}, "Name | Holder | Age",
            ["x", "n1", "5h"],
        ),
        pytest.param(
            "v1", "PersistentVolume",
            {"spec": {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                      "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "n", "name": "c"},
                      "volumeMode": "Filesystem"}, "status": {"phase": "Bound"}},
            "Name | Capacity | Access Modes | Reclaim Policy | Status | Claim | StorageClass | VolumeAttributesClass"
            " | Reason | Age | *VolumeMode",
            ["x", "5Gi", "RWO,RWX", "Retain", "Bound", "n/c", "", "<unset>", "", "5h", "Filesystem"],
        ),
        pytest.param(
            "v1", "PersistentVolumeClaim",
            {"spec": {"volumeName": "v", "storageClassName": "fast"},
             "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"]}},
            "Name | Status | Volume | Capacity | Access Modes | StorageClass | VolumeAttributesClass | Age"
            " | *VolumeMode",
            ["x", "Bound", "v", "1Gi", "RWOP", "fast", "<unset>", "5h", "<unset>"],
        ),
        pytest.param(
            "v1", "ResourceQuota",
            {"status": {"hard": {"pods": "10", "limits.cpu": "4", "cpu": 2}, "used": {"pods": "3"}}},
            "Name | Request | Limit | Age", ["x", "cpu: 0/2, pods: 3/10", "limits.cpu: 0/4", "5h"],
        ),
        pytest.param(
            "certificates.k8s.io/v1", "CertificateSigningRequest",
            {"spec": {"signerName": "s", "username": "u", "expirationSeconds": 86400, "request": ""},
             "status": {"conditions": [{"type": "Approved", "status": "True"}], "certificate": "YQ=="}},
            "Name | Age | SignerName | Requestor | RequestedDuration | Condition",
            ["x", "5h", "s", "u", "24h", "Approved,Issued"],
        ),
        pytest.param(
            "rbac.authorization.k8s.io/v1", "RoleBinding",
            {"roleRef": CAN, "subjects": [{"kind": "User", "name": "a"}, {"kind": "User", "name": "b"},
                                          {"kind": "Group", "name": "g"},
                                          {"kind": "ServiceAccount", "namespace": "n", "name": "s"}]},
            "Name | Role | Age | *Users | *Groups | *ServiceAccounts",
            ["x", "Role/x", "5h", "a, b", "g", "n/s"],
        ),
        pytest.param(
            "rbac.authorization.k8s.io/v1", "ClusterRole", {}, "Name | Created At", ["x", "2026-11-21T07:00:00Z"]
        ),
    ],
)  # fmt: skip
def test_table(api_version: str, kind: str, content: Any, columns: str, cells: list[Any]) -> None:
    shown = table(api_version, kind, content)
    assert (header(shown), shown["rows"][0]["cells"]) == (columns, cells)


@pytest.mark.parametrize(
    ("spec", "status", "external"),
    [
        ({"type": "ClusterIP"}, {}, "<none>"),
        ({"type": "ClusterIP", "externalIPs": ["1.1.1.1", "2.2.2.2"]}, {}, "1.1.1.1,2.2.2.2"),
        ({"type": "LoadBalancer"}, {}, "<pending>"),
        ({"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "9.9.9.9"}, {"hostname": "h"}]}}, "9.9.9.9,h"),
        ({"type": "ExternalName", "externalName": "example.com"}, {}, "example.com"),
        ({}, {}, "<unknown>"),
    ],
)
def test_external_ip(spec: Any, status: Any, external: str) -> None:
    assert table("v1", "Service", {"spec": spec, "status": status})["rows"][0]["cells"][3] == external


@pytest.mark.parametrize(
    ("conditions", "status"),
    [([], "Unknown"), ([{"type": "Ready", "status": "False"}], "NotReady"),
     ([{"type": "Ready", "status": "Unknown"}], "NotReady")],
)  # fmt: skip
def test_node_status(conditions: Any, status: str) -> None:
    assert table("v1", "Node", {"status": {"conditions": conditions}})["rows"][0]["cells"][1:3] == [status, "<none>"]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.group_resource)
@pytest.mark.parametrize("as_struct", [False, True], ids=["document", "struct"])
def test_every_kind_prints_when_it_is_almost_empty(resource: Any, as_struct: bool) -> None:
    document = {"metadata": {"name": "x"}}
    item = from_document(document, resource.type) if as_struct else document
    shown = render_table(resource, [item], include_object="Metadata", now=NOW)
    row = msgspec.json.decode(encode(shown))["rows"][0]
    assert len(row["cells"]) == len(shown["columnDefinitions"]) and "x" in row["cells"]
    assert row["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "x"},
    }


def test_objects_are_attached_as_asked() -> None:
    resource = BY_KIND[("v1", "ConfigMap")]
    struct = from_document({"metadata": {"name": "x"}, "data": {"a": "b"}}, resource.type)
    whole = render_table(resource, [struct], include_object="Object", now=NOW, headers=False)
    decoded = msgspec.json.decode(encode(whole))
    assert decoded["columnDefinitions"] is None
    assert decoded["rows"][0]["object"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x"},
        "data": {"a": "b"},
    }
    assert table("v1", "ConfigMap", {})["rows"][0]["object"] is None
    with pytest.raises(BadRequest, match="Everything"):
        table("v1", "ConfigMap", {}, include_object="Everything")
