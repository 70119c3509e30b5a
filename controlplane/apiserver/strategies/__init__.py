"""What the API server does differently for each kind: `strategy_for(resource)`, a kind (or a family) a file.

A strategy owns what a create drops and sets, what an update may change, how long a deletion may take and which fields
selectors see. The shape of an object is not its business (`api/defaults`, `api/validation`), nor is policy
(`admission/`), nor addresses and ports of Services (`apiserver/allocation`).

    strategy = strategy_for(BY_KIND["v1", "Pod"])
    strategy.prepare_create(document, caller)      # status becomes {"phase": "Pending", "qosClass": "Burstable"}
    strategy.grace_period(pod, None)               # 30, or 0 for a pod that no node has
"""

from __future__ import annotations

from collections.abc import Mapping

from controlplane.api.resources import Resource
from controlplane.apiserver.strategies.apiservices import APIServiceStrategy
from controlplane.apiserver.strategies.autoscalers import HorizontalPodAutoscalerStrategy
from controlplane.apiserver.strategies.base import Caller, Strategy
from controlplane.apiserver.strategies.certificates import (
    CertificateSigningRequestStrategy,
    PodCertificateRequestStrategy,
)
from controlplane.apiserver.strategies.definitions import DefinitionStrategy
from controlplane.apiserver.strategies.devices import ResourceClaimStrategy, ResourceSliceStrategy
from controlplane.apiserver.strategies.expressions import ConfigurationStrategy, PolicyStrategy
from controlplane.apiserver.strategies.jobs import CronJobStrategy, JobStrategy
from controlplane.apiserver.strategies.namespaces import NamespaceStrategy
from controlplane.apiserver.strategies.networking import IngressStrategy, NetworkPolicyStrategy
from controlplane.apiserver.strategies.nodes import NodeStrategy
from controlplane.apiserver.strategies.pods import PodStrategy
from controlplane.apiserver.strategies.services import EndpointSliceStrategy, EndpointsStrategy, ServiceStrategy
from controlplane.apiserver.strategies.simple import (
    CarefulCreateOnUpdateStrategy,
    CarefulSpecStrategy,
    CarefulStrategy,
    CreateOnUpdateStrategy,
    CSINodeStrategy,
    PodTemplateStrategy,
    PriorityClassStrategy,
    ServiceAccountStrategy,
    SpecStrategy,
    VolumeStrategy,
)
from controlplane.apiserver.strategies.storage import CSIStorageCapacityStrategy, StorageClassStrategy
from controlplane.apiserver.strategies.workloads import (
    DaemonSetStrategy,
    DeploymentStrategy,
    ReplicationControllerStrategy,
    WorkloadStrategy,
)

__all__ = ["Caller", "Strategy", "strategy_for"]

_STRATEGIES: Mapping[tuple[str, str], type[Strategy]] = {
    ("", "Endpoints"): EndpointsStrategy,
    ("", "Event"): CreateOnUpdateStrategy,
    ("", "LimitRange"): CreateOnUpdateStrategy,
    ("", "Namespace"): NamespaceStrategy,
    ("", "Node"): NodeStrategy,
    ("", "PersistentVolume"): VolumeStrategy,
    ("", "PersistentVolumeClaim"): VolumeStrategy,
    ("", "Pod"): PodStrategy,
    ("", "PodTemplate"): PodTemplateStrategy,
    ("", "ReplicationController"): ReplicationControllerStrategy,
    ("", "Service"): ServiceStrategy,
    ("", "ServiceAccount"): ServiceAccountStrategy,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): PolicyStrategy,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): CarefulSpecStrategy,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): ConfigurationStrategy,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): PolicyStrategy,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): CarefulSpecStrategy,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): ConfigurationStrategy,
    ("apiregistration.k8s.io", "APIService"): APIServiceStrategy,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): DefinitionStrategy,
    ("apps", "DaemonSet"): DaemonSetStrategy,
    ("apps", "Deployment"): DeploymentStrategy,
    ("apps", "ReplicaSet"): WorkloadStrategy,
    ("apps", "StatefulSet"): WorkloadStrategy,
    ("autoscaling", "HorizontalPodAutoscaler"): HorizontalPodAutoscalerStrategy,
    ("batch", "CronJob"): CronJobStrategy,
    ("batch", "Job"): JobStrategy,
    ("certificates.k8s.io", "CertificateSigningRequest"): CertificateSigningRequestStrategy,
    ("certificates.k8s.io", "ClusterTrustBundle"): CarefulStrategy,
    ("certificates.k8s.io", "PodCertificateRequest"): PodCertificateRequestStrategy,
    ("coordination.k8s.io", "Lease"): CarefulCreateOnUpdateStrategy,
    ("discovery.k8s.io", "EndpointSlice"): EndpointSliceStrategy,
    ("events.k8s.io", "Event"): CreateOnUpdateStrategy,
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): SpecStrategy,
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): SpecStrategy,
    ("networking.k8s.io", "Ingress"): IngressStrategy,
    ("networking.k8s.io", "IngressClass"): SpecStrategy,
    ("networking.k8s.io", "NetworkPolicy"): NetworkPolicyStrategy,
    ("node.k8s.io", "RuntimeClass"): CarefulCreateOnUpdateStrategy,
    ("policy", "PodDisruptionBudget"): CarefulSpecStrategy,
    ("rbac.authorization.k8s.io", "ClusterRole"): CreateOnUpdateStrategy,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): CreateOnUpdateStrategy,
    ("rbac.authorization.k8s.io", "Role"): CreateOnUpdateStrategy,
    ("rbac.authorization.k8s.io", "RoleBinding"): CreateOnUpdateStrategy,
    ("resource.k8s.io", "DeviceClass"): SpecStrategy,
    ("resource.k8s.io", "DeviceTaintRule"): SpecStrategy,
    ("resource.k8s.io", "ResourceClaim"): ResourceClaimStrategy,
    ("resource.k8s.io", "ResourceSlice"): ResourceSliceStrategy,
    ("scheduling.k8s.io", "PriorityClass"): PriorityClassStrategy,
    ("storage.k8s.io", "CSIDriver"): CarefulSpecStrategy,
    ("storage.k8s.io", "CSINode"): CSINodeStrategy,
    ("storage.k8s.io", "CSIStorageCapacity"): CSIStorageCapacityStrategy,
    ("storage.k8s.io", "StorageClass"): StorageClassStrategy,
    ("storage.k8s.io", "VolumeAttachment"): CarefulStrategy,
    ("storagemigration.k8s.io", "StorageVersionMigration"): CarefulStrategy,
}


def strategy_for(resource: Resource) -> Strategy:
    """Return the strategy of a resource; kinds without rules of their own follow the common ones."""
    return _STRATEGIES.get((resource.group, resource.kind), Strategy)(resource)
