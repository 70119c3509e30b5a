"""Which rules a kind has, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from controlplane.api.status import FieldError
from controlplane.api.validation import (
    admission_policies,
    api_services,
    autoscalers,
    certificates,
    claim_status,
    cluster,
    cron_jobs,
    csi,
    daemon_sets,
    data,
    device_classes,
    disruption_budgets,
    endpoints,
    flow_schemas,
    ingresses,
    job_status,
    jobs,
    migrations,
    network_policies,
    pod_certificates,
    pod_classes,
    pod_updates,
    pods,
    priority_levels,
    quotas,
    rbac,
    resource_claims,
    resource_slices,
    service_addresses,
    services,
    stateful_sets,
    storage,
    storage_classes,
    trust_bundles,
    webhooks,
    workloads,
)

Rule: TypeAlias = Callable[[Any], list[FieldError]]
Change: TypeAlias = Callable[[Any, Any], list[FieldError]]


def _nothing(new: Any, old: Any = None) -> list[FieldError]:
    return []


@dataclass(frozen=True, slots=True)
class Rules:
    """What a kind demands beyond its metadata, of every object, of its successor, of a new status and of a newborn.

    Where `create` and `change` read nothing but the spec (`of_spec`), a spec that did not change is not read again: it
    was found right when it was stored, and most updates are about labels, annotations or the status.
    """

    create: Rule
    change: Change = _nothing
    status: Change = _nothing
    birth: Rule = _nothing
    of_spec: bool = False
    again: bool = True  # an update must be fit to be created, too

    def new(self, obj: Any) -> list[FieldError]:
        return self.create(obj) + self.birth(obj)

    def update(self, new: Any, old: Any) -> list[FieldError]:
        if self.of_spec and new.spec == old.spec:
            return []
        return (self.create(new) if self.again else []) + self.change(new, old)


RULES: Mapping[tuple[str, str], Rules] = {
    ("", "ConfigMap"): Rules(data.validate_config_map, data.validate_config_map_update),
    ("", "Endpoints"): Rules(endpoints.validate_endpoints),
    ("", "Event"): Rules(cluster.validate_event),
    ("", "LimitRange"): Rules(quotas.validate_limit_range),
    ("", "Namespace"): Rules(cluster.validate_namespace, status=cluster.validate_namespace_status),
    ("", "Node"): Rules(cluster.validate_node, cluster.validate_node_update, cluster.validate_node_status),
    ("", "PersistentVolume"): Rules(storage.validate_persistent_volume, storage.validate_persistent_volume_update),
    ("", "PersistentVolumeClaim"): Rules(
        storage.validate_persistent_volume_claim, storage.validate_persistent_volume_claim_update
    ),
    ("", "Pod"): Rules(
        pods.validate_pod,
        pod_updates.validate_pod_update,
        pod_updates.validate_pod_status_update,
        of_spec=True,
    ),
    ("", "PodTemplate"): Rules(pods.validate_pod_template),
    ("", "ReplicationController"): Rules(
        workloads.validate_replication_controller, status=workloads.validate_replicas_status
    ),
    ("", "ResourceQuota"): Rules(
        quotas.validate_resource_quota, quotas.validate_resource_quota_update, quotas.validate_resource_quota_status
    ),
    ("", "Secret"): Rules(data.validate_secret, data.validate_secret_update),
    ("", "Service"): Rules(
        services.validate_service, services.validate_service_update, services.validate_service_status
    ),
    ("apps", "DaemonSet"): Rules(
        daemon_sets.validate_daemon_set,
        daemon_sets.validate_daemon_set_update,
        daemon_sets.validate_daemon_set_status,
    ),
    ("apps", "Deployment"): Rules(
        workloads.validate_deployment, workloads.validate_deployment_update, workloads.validate_deployment_status
    ),
    ("apps", "ReplicaSet"): Rules(
        workloads.validate_replica_set, workloads.validate_replica_set_update, workloads.validate_replicas_status
    ),
    ("apps", "StatefulSet"): Rules(
        stateful_sets.validate_stateful_set,
        stateful_sets.validate_stateful_set_update,
        stateful_sets.validate_stateful_set_status,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): Rules(
        autoscalers.validate_autoscaler, status=autoscalers.validate_autoscaler_status, of_spec=True
    ),
    ("batch", "CronJob"): Rules(cron_jobs.validate_cron_job, birth=cron_jobs.validate_new_cron_job, of_spec=True),
    ("batch", "Job"): Rules(jobs.validate_job, jobs.validate_job_update, job_status.validate_job_status, of_spec=True),
    ("certificates.k8s.io", "CertificateSigningRequest"): Rules(
        certificates.validate_signing_request, status=certificates.validate_signing_request_status
    ),
    ("coordination.k8s.io", "Lease"): Rules(cluster.validate_lease),
    ("discovery.k8s.io", "EndpointSlice"): Rules(
        endpoints.validate_endpoint_slice, endpoints.validate_endpoint_slice_update
    ),
    ("events.k8s.io", "Event"): Rules(cluster.validate_events_event),
    ("networking.k8s.io", "IPAddress"): Rules(
        service_addresses.validate_ip_address, service_addresses.validate_ip_address_update, of_spec=True
    ),
    ("networking.k8s.io", "Ingress"): Rules(
        ingresses.validate_ingress,
        status=ingresses.validate_ingress_status,
        birth=ingresses.validate_new_ingress,
        of_spec=True,
    ),
    ("networking.k8s.io", "IngressClass"): Rules(
        ingresses.validate_ingress_class, ingresses.validate_ingress_class_update, of_spec=True
    ),
    ("networking.k8s.io", "NetworkPolicy"): Rules(network_policies.validate_network_policy, of_spec=True),
    ("networking.k8s.io", "ServiceCIDR"): Rules(
        service_addresses.validate_service_cidr, service_addresses.validate_service_cidr_update, of_spec=True
    ),
    ("node.k8s.io", "RuntimeClass"): Rules(
        pod_classes.validate_runtime_class, pod_classes.validate_runtime_class_update
    ),
    ("policy", "PodDisruptionBudget"): Rules(
        disruption_budgets.validate_disruption_budget,
        status=disruption_budgets.validate_disruption_budget_status,
        of_spec=True,
    ),
    ("rbac.authorization.k8s.io", "ClusterRole"): Rules(rbac.validate_cluster_role),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): Rules(
        rbac.validate_cluster_role_binding, rbac.validate_binding_update
    ),
    ("rbac.authorization.k8s.io", "Role"): Rules(rbac.validate_role),
    ("rbac.authorization.k8s.io", "RoleBinding"): Rules(rbac.validate_role_binding, rbac.validate_binding_update),
    ("scheduling.k8s.io", "PriorityClass"): Rules(
        pod_classes.validate_priority_class, pod_classes.validate_priority_class_update
    ),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): Rules(admission_policies.validate_mutating_policy),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): Rules(
        admission_policies.validate_mutating_binding
    ),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): Rules(
        webhooks.validate_webhooks, webhooks.validate_webhooks_update, again=False
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): Rules(
        admission_policies.validate_validating_policy, status=admission_policies.validate_validating_policy_status
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): Rules(
        admission_policies.validate_validating_binding
    ),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): Rules(
        webhooks.validate_webhooks, webhooks.validate_webhooks_update, again=False
    ),
    ("apiregistration.k8s.io", "APIService"): Rules(
        api_services.validate_api_service, status=api_services.validate_api_service_status
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): Rules(
        trust_bundles.validate_trust_bundle, trust_bundles.validate_trust_bundle_update, again=False
    ),
    ("certificates.k8s.io", "PodCertificateRequest"): Rules(
        pod_certificates.validate_pod_certificate,
        pod_certificates.validate_pod_certificate_update,
        pod_certificates.validate_pod_certificate_status,
        again=False,
    ),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): Rules(
        flow_schemas.validate_flow_schema, status=flow_schemas.validate_flow_schema_status
    ),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): Rules(
        priority_levels.validate_priority_level, status=priority_levels.validate_priority_level_status
    ),
    ("resource.k8s.io", "DeviceClass"): Rules(device_classes.validate_device_class),
    ("resource.k8s.io", "DeviceTaintRule"): Rules(
        device_classes.validate_taint_rule, status=device_classes.validate_taint_rule_status
    ),
    ("resource.k8s.io", "ResourceClaim"): Rules(
        resource_claims.validate_claim,
        resource_claims.validate_claim_update,
        claim_status.validate_claim_status,
        again=False,
    ),
    ("resource.k8s.io", "ResourceClaimTemplate"): Rules(
        resource_claims.validate_claim_template, resource_claims.validate_claim_template_update, again=False
    ),
    ("resource.k8s.io", "ResourceSlice"): Rules(
        resource_slices.validate_resource_slice, resource_slices.validate_resource_slice_update
    ),
    ("storage.k8s.io", "CSIDriver"): Rules(csi.validate_csi_driver, csi.validate_csi_driver_update),
    ("storage.k8s.io", "CSINode"): Rules(csi.validate_csi_node, csi.validate_csi_node_update),
    ("storage.k8s.io", "CSIStorageCapacity"): Rules(
        csi.validate_storage_capacity, csi.validate_storage_capacity_update
    ),
    ("storage.k8s.io", "StorageClass"): Rules(
        storage_classes.validate_storage_class, storage_classes.validate_storage_class_update
    ),
    ("storage.k8s.io", "VolumeAttachment"): Rules(
        storage_classes.validate_attachment,
        storage_classes.validate_attachment_update,
        storage_classes.validate_attachment_update,
        again=False,
    ),
    ("storage.k8s.io", "VolumeAttributesClass"): Rules(
        storage_classes.validate_attributes_class, storage_classes.validate_attributes_class_update
    ),
    ("storagemigration.k8s.io", "StorageVersionMigration"): Rules(
        migrations.validate_migration, migrations.validate_migration_update, migrations.validate_migration_status
    ),
}

SUBRESOURCE_RULES: Mapping[tuple[str, str, str], Change] = {
    ("", "Pod", "ephemeralcontainers"): pod_updates.validate_ephemeral_containers,
    ("", "Pod", "resize"): pod_updates.validate_resize,
    (
        "certificates.k8s.io",
        "CertificateSigningRequest",
        "approval",
    ): certificates.validate_signing_request_approval,
}
