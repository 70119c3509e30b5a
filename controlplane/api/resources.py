"""The resources the API serves, as one table: names, scope, and which Python type holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controlplane.api import (
    admissionregistration_v1,
    apiextensions_v1,
    apiregistration_v1,
    apps_v1,
    autoscaling_v1,
    autoscaling_v2,
    batch_v1,
    certificates_v1,
    coordination_v1,
    core_v1,
    discovery_v1,
    events_v1,
    flowcontrol_v1,
    metrics_v1beta1,
    networking_v1,
    node_v1,
    policy_v1,
    rbac_v1,
    resource_v1,
    scheduling_v1,
    storage_v1,
    storagemigration_v1,
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
    singular_name: str = ""  # where it is not simply the kind in small letters
    list_name: str = ""  # the kind of its lists, where it is not simply the kind and List
    deprecation: str = ""  # said to whoever reads or writes it
    stored: bool = True  # else it is an action, or worked out when somebody asks
    custom: bool = False  # defined by a CustomResourceDefinition
    selectable: tuple[str, ...] = ()  # the fields that selectors may name, besides those of its kind's table

    @property
    def singular(self) -> str:
        return self.singular_name or self.kind.lower()

    @property
    def list_kind(self) -> str:
        return self.list_name or f"{self.kind}List"

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
_EXTENSIONS = ("api-extensions",)

RESOURCES: tuple[Resource, ...] = (
    Resource("", "v1", "Binding", "bindings", core_v1.Binding, stored=False),
    Resource("", "v1", "ComponentStatus", "componentstatuses", core_v1.ComponentStatus, namespaced=False, short_names=("cs",), deprecation="v1 ComponentStatus is deprecated in v1.19+", stored=False),
    Resource("", "v1", "ConfigMap", "configmaps", core_v1.ConfigMap, short_names=("cm",)),
    Resource("", "v1", "Endpoints", "endpoints", core_v1.Endpoints, short_names=("ep",), storage_prefix="services/endpoints", deprecation="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
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
    Resource("admissionregistration.k8s.io", "v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies", admissionregistration_v1.MutatingAdmissionPolicy, namespaced=False, categories=_EXTENSIONS),
    Resource("admissionregistration.k8s.io", "v1", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", admissionregistration_v1.MutatingAdmissionPolicyBinding, namespaced=False, categories=_EXTENSIONS),
    Resource("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", admissionregistration_v1.MutatingWebhookConfiguration, namespaced=False, categories=_EXTENSIONS),
    Resource("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", admissionregistration_v1.ValidatingAdmissionPolicy, namespaced=False, categories=_EXTENSIONS, subresources=("status",)),
    Resource("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", admissionregistration_v1.ValidatingAdmissionPolicyBinding, namespaced=False, categories=_EXTENSIONS),
    Resource("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", admissionregistration_v1.ValidatingWebhookConfiguration, namespaced=False, categories=_EXTENSIONS),
    Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", apiextensions_v1.CustomResourceDefinition, namespaced=False, short_names=("crd", "crds",), categories=_EXTENSIONS, subresources=("status",), storage_prefix="apiextensions.k8s.io/customresourcedefinitions"),
    Resource("apiregistration.k8s.io", "v1", "APIService", "apiservices", apiregistration_v1.APIService, namespaced=False, categories=_EXTENSIONS, subresources=("status",), storage_prefix="apiregistration.k8s.io/apiservices"),
    Resource("apps", "v1", "ControllerRevision", "controllerrevisions", apps_v1.ControllerRevision),
    Resource("apps", "v1", "DaemonSet", "daemonsets", apps_v1.DaemonSet, short_names=("ds",), categories=_ALL, subresources=("status",)),
    Resource("apps", "v1", "Deployment", "deployments", apps_v1.Deployment, short_names=("deploy",), categories=_ALL, subresources=("scale", "status")),
    Resource("apps", "v1", "ReplicaSet", "replicasets", apps_v1.ReplicaSet, short_names=("rs",), categories=_ALL, subresources=("scale", "status")),
    Resource("apps", "v1", "StatefulSet", "statefulsets", apps_v1.StatefulSet, short_names=("sts",), categories=_ALL, subresources=("scale", "status")),
    Resource("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", autoscaling_v1.HorizontalPodAutoscaler, short_names=("hpa",), categories=_ALL, subresources=("status",)),
    Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", autoscaling_v2.HorizontalPodAutoscaler, short_names=("hpa",), categories=_ALL, subresources=("status",)),
    Resource("batch", "v1", "CronJob", "cronjobs", batch_v1.CronJob, short_names=("cj",), categories=_ALL, subresources=("status",)),
    Resource("batch", "v1", "Job", "jobs", batch_v1.Job, categories=_ALL, subresources=("status",)),
    Resource("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", certificates_v1.CertificateSigningRequest, namespaced=False, short_names=("csr",), subresources=("approval", "status")),
    Resource("certificates.k8s.io", "v1", "ClusterTrustBundle", "clustertrustbundles", certificates_v1.ClusterTrustBundle, namespaced=False),
    Resource("certificates.k8s.io", "v1", "PodCertificateRequest", "podcertificaterequests", certificates_v1.PodCertificateRequest, subresources=("status",)),
    Resource("coordination.k8s.io", "v1", "Lease", "leases", coordination_v1.Lease),
    Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", discovery_v1.EndpointSlice),
    Resource("events.k8s.io", "v1", "Event", "events", events_v1.Event, short_names=("ev",)),
    Resource("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema", "flowschemas", flowcontrol_v1.FlowSchema, namespaced=False, subresources=("status",)),
    Resource("flowcontrol.apiserver.k8s.io", "v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", flowcontrol_v1.PriorityLevelConfiguration, namespaced=False, subresources=("status",)),
    Resource("networking.k8s.io", "v1", "Ingress", "ingresses", networking_v1.Ingress, short_names=("ing",), subresources=("status",), storage_prefix="ingress"),
    Resource("networking.k8s.io", "v1", "IngressClass", "ingressclasses", networking_v1.IngressClass, namespaced=False),
    Resource("networking.k8s.io", "v1", "IPAddress", "ipaddresses", networking_v1.IPAddress, namespaced=False, short_names=("ip",)),
    Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", networking_v1.NetworkPolicy, short_names=("netpol",)),
    Resource("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs", networking_v1.ServiceCIDR, namespaced=False, subresources=("status",)),
    Resource("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", node_v1.RuntimeClass, namespaced=False),
    Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", policy_v1.PodDisruptionBudget, short_names=("pdb",), subresources=("status",)),
    Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", rbac_v1.ClusterRole, namespaced=False),
    Resource("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", rbac_v1.ClusterRoleBinding, namespaced=False),
    Resource("rbac.authorization.k8s.io", "v1", "Role", "roles", rbac_v1.Role),
    Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", rbac_v1.RoleBinding),
    Resource("resource.k8s.io", "v1", "DeviceClass", "deviceclasses", resource_v1.DeviceClass, namespaced=False),
    Resource("resource.k8s.io", "v1", "DeviceTaintRule", "devicetaintrules", resource_v1.DeviceTaintRule, namespaced=False, subresources=("status",)),
    Resource("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims", resource_v1.ResourceClaim, subresources=("status",)),
    Resource("resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates", resource_v1.ResourceClaimTemplate),
    Resource("resource.k8s.io", "v1", "ResourceSlice", "resourceslices", resource_v1.ResourceSlice, namespaced=False),
    Resource("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", scheduling_v1.PriorityClass, namespaced=False, short_names=("pc",)),
    Resource("storage.k8s.io", "v1", "CSIDriver", "csidrivers", storage_v1.CSIDriver, namespaced=False),
    Resource("storage.k8s.io", "v1", "CSINode", "csinodes", storage_v1.CSINode, namespaced=False, subresources=("status",)),
    Resource("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", storage_v1.CSIStorageCapacity),
    Resource("storage.k8s.io", "v1", "StorageClass", "storageclasses", storage_v1.StorageClass, namespaced=False, short_names=("sc",)),
    Resource("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", storage_v1.VolumeAttachment, namespaced=False, subresources=("status",)),
    Resource("storage.k8s.io", "v1", "VolumeAttributesClass", "volumeattributesclasses", storage_v1.VolumeAttributesClass, namespaced=False, short_names=("vac",)),
    Resource("storagemigration.k8s.io", "v1", "StorageVersionMigration", "storageversionmigrations", storagemigration_v1.StorageVersionMigration, namespaced=False, subresources=("status",)),
)  # fmt: skip

# An add-on's upstream, so in no published description of the API; worked out when somebody asks, until there is one.
USAGE: tuple[Resource, ...] = (
    Resource(metrics_v1beta1.GROUP, "v1beta1", "NodeMetrics", "nodes", metrics_v1beta1.NodeMetrics, namespaced=False, stored=False),
    Resource(metrics_v1beta1.GROUP, "v1beta1", "PodMetrics", "pods", metrics_v1beta1.PodMetrics, stored=False),
)  # fmt: skip

_ALL_OF_THEM = (*RESOURCES, *USAGE)

BY_TYPE: dict[type[KubeStruct], Resource] = {resource.type: resource for resource in _ALL_OF_THEM}
BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in _ALL_OF_THEM}
BY_PATH: dict[tuple[str, str, str], Resource] = {(r.group, r.version, r.plural): r for r in _ALL_OF_THEM}


def resource_of(type_: type[Any]) -> Resource:
    """Return the resource whose objects `type_` holds. Raises KeyError."""
    return BY_TYPE[type_]
