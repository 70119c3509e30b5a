"""What upstream fills in when a field is absent: `apply_defaults(resource, document)`, in place.

    {"kind": "Deployment", "spec": {"template": ...}}
        -> spec.replicas 1, spec.strategy RollingUpdate 25%/25%, restartPolicy Always, imagePullPolicy by the tag, ...

A default depends only on the object itself; what depends on the cluster (a Service's address, a pod's service account)
is admission's and the allocators'. Defaults are applied again on every write, so each of them leaves alone what is set.
Amounts are written canonically on the way ("1024Mi" becomes "1Gi"), as upstream does by decoding and encoding them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from controlplane.api.codec import Document
from controlplane.api.defaults import (
    admissionregistration,
    apiservices,
    autoscalers,
    certificates,
    custom_resource_definitions,
    daemonsets,
    deployments,
    devices,
    endpoints,
    flowcontrol,
    jobs,
    limitranges,
    namespaces,
    networking,
    nodes,
    persistentvolumes,
    pods,
    priorityclasses,
    rbac,
    replicasets,
    secrets,
    services,
    statefulsets,
    storage,
)
from controlplane.api.defaults.quantities import canonicalise
from controlplane.api.resources import Resource

_DEFAULTS: Mapping[tuple[str, str], Callable[[Document], None]] = {
    ("", "Endpoints"): endpoints.default_endpoints,
    ("", "LimitRange"): limitranges.default_limit_range,
    ("", "Namespace"): namespaces.default_namespace,
    ("", "Node"): nodes.default_node,
    ("", "PersistentVolume"): persistentvolumes.default_persistent_volume,
    ("", "PersistentVolumeClaim"): persistentvolumes.default_persistent_volume_claim,
    ("", "Pod"): pods.default_pod,
    ("", "PodTemplate"): pods.default_pod_template,
    ("", "ReplicationController"): replicasets.default_replication_controller,
    ("", "Secret"): secrets.default_secret,
    ("", "Service"): services.default_service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): custom_resource_definitions.default_definition,
    ("apps", "DaemonSet"): daemonsets.default_daemon_set,
    ("apps", "Deployment"): deployments.default_deployment,
    ("apps", "ReplicaSet"): replicasets.default_replica_set,
    ("apps", "StatefulSet"): statefulsets.default_stateful_set,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): admissionregistration.default_policy,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): admissionregistration.default_policy_binding,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): admissionregistration.default_mutating_webhooks,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): admissionregistration.default_policy,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): admissionregistration.default_policy_binding,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): admissionregistration.default_webhooks,
    ("apiregistration.k8s.io", "APIService"): apiservices.default_api_service,
    ("autoscaling", "HorizontalPodAutoscaler"): autoscalers.default_autoscaler,
    ("batch", "CronJob"): jobs.default_cron_job,
    ("batch", "Job"): jobs.default_job,
    ("certificates.k8s.io", "PodCertificateRequest"): certificates.default_pod_certificate_request,
    ("discovery.k8s.io", "EndpointSlice"): endpoints.default_endpoint_slice,
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): flowcontrol.default_flow_schema,
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): flowcontrol.default_priority_level,
    ("networking.k8s.io", "IngressClass"): networking.default_ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): networking.default_network_policy,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): rbac.default_binding,
    ("rbac.authorization.k8s.io", "RoleBinding"): rbac.default_binding,
    ("resource.k8s.io", "ResourceClaim"): devices.default_claim,
    ("resource.k8s.io", "ResourceClaimTemplate"): devices.default_claim_template,
    ("scheduling.k8s.io", "PriorityClass"): priorityclasses.default_priority_class,
    ("storage.k8s.io", "CSIDriver"): storage.default_csi_driver,
    ("storage.k8s.io", "StorageClass"): storage.default_storage_class,
}


def apply_defaults(resource: Resource, document: Document, settled: Container[str] = ()) -> None:
    """Fill in what is absent. Raises quantity.QuantityError for an amount that cannot be read.

    `settled` are fields at the top whose amounts are known to be canonical.
    """
    canonicalise(document, resource.type, settled)
    fill_in = _DEFAULTS.get((resource.group, resource.kind))
    if fill_in is not None:
        fill_in(document)
