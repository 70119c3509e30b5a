"""The resources the API serves, as one table: names, scope, and which Python type holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controlplane.api import (
    apps_v1,
    certificates_v1,
    coordination_v1,
    core_v1,
    discovery_v1,
    events_v1,
    rbac_v1,
)
from controlplane.api.base import KubeStruct


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object and where it lives in the API."""

    group: str
    version: str
    kind: str
    plural: str
    type: type[KubeStruct]
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    storage_prefix: str = ""  # below /registry, where it is not simply the plural

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects: v1, or apps/v1."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """How messages name it: pods, or deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of the collection, an object or a subresource."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        return "/".join(part for part in [*parts, self.plural, name, subresource] if part)


_ALL = ("all",)

RESOURCES: tuple[Resource, ...] = (
    Resource("", "v1", "Binding", "bindings", core_v1.Binding),
    Resource("", "v1", "ConfigMap", "configmaps", core_v1.ConfigMap, short_names=("cm",)),
    Resource("", "v1", "Endpoints", "endpoints", core_v1.Endpoints, short_names=("ep",), storage_prefix="services/endpoints"),
    Resource("", "v1", "Event", "events", core_v1.Event, short_names=("ev",)),
    Resource("", "v1", "LimitRange", "limitranges", core_v1.LimitRange, short_names=("limits",)),
    Resource("", "v1", "Namespace", "namespaces", core_v1.Namespace, namespaced=False, short_names=("ns",), subresources=("finalize", "status")),
    Resource("", "v1", "Node", "nodes", core_v1.Node, namespaced=False, short_names=("no",), subresources=("proxy", "status"), storage_prefix="minions"),
    Resource("", "v1", "PersistentVolume", "persistentvolumes", core_v1.PersistentVolume, namespaced=False, short_names=("pv",), subresources=("status",)),
    Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", core_v1.PersistentVolumeClaim, short_names=("pvc",), subresources=("status",)),
    Resource("", "v1", "Pod", "pods", core_v1.Pod, short_names=("po",), categories=_ALL, subresources=("attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize", "status")),
    Resource("", "v1", "PodTemplate", "podtemplates", core_v1.PodTemplate),
    Resource("", "v1", "ReplicationController", "replicationcontrollers", core_v1.ReplicationController, short_names=("rc",), categories=_ALL, subresources=("scale", "status"), storage_prefix="controllers"),
    Resource("", "v1", "ResourceQuota", "resourcequotas", core_v1.ResourceQuota, short_names=("quota",), subresources=("status",)),
    Resource("", "v1", "Secret", "secrets", core_v1.Secret),
    Resource("", "v1", "Service", "services", core_v1.Service, short_names=("svc",), categories=_ALL, subresources=("proxy", "status"), storage_prefix="services/specs"),
    Resource("", "v1", "ServiceAccount", "serviceaccounts", core_v1.ServiceAccount, short_names=("sa",), subresources=("token",)),
    Resource("apps", "v1", "ControllerRevision", "controllerrevisions", apps_v1.ControllerRevision),
    Resource("apps", "v1", "DaemonSet", "daemonsets", apps_v1.DaemonSet, short_names=("ds",), categories=_ALL, subresources=("status",)),
    Resource("apps", "v1", "Deployment", "deployments", apps_v1.Deployment, short_names=("deploy",), categories=_ALL, subresources=("scale", "status")),
    Resource("apps", "v1", "ReplicaSet", "replicasets", apps_v1.ReplicaSet, short_names=("rs",), categories=_ALL, subresources=("scale", "status")),
    Resource("apps", "v1", "StatefulSet", "statefulsets", apps_v1.StatefulSet, short_names=("sts",), categories=_ALL, subresources=("scale", "status")),
    Resource("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", certificates_v1.CertificateSigningRequest, namespaced=False, short_names=("csr",), subresources=("approval", "status")),
    Resource("coordination.k8s.io", "v1", "Lease", "leases", coordination_v1.Lease),
    Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", discovery_v1.EndpointSlice),
    Resource("events.k8s.io", "v1", "Event", "events", events_v1.Event, short_names=("ev",)),
    Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", rbac_v1.ClusterRole, namespaced=False),
    Resource("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", rbac_v1.ClusterRoleBinding, namespaced=False),
    Resource("rbac.authorization.k8s.io", "v1", "Role", "roles", rbac_v1.Role),
    Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", rbac_v1.RoleBinding),
)  # fmt: skip

BY_TYPE: dict[type[KubeStruct], Resource] = {resource.type: resource for resource in RESOURCES}
BY_PATH: dict[tuple[str, str, str], Resource] = {(r.group, r.version, r.plural): r for r in RESOURCES}
BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in RESOURCES}


def resource_of(type_: type[Any]) -> Resource:
    """Return the resource whose objects `type_` holds. Raises KeyError."""
    return BY_TYPE[type_]
