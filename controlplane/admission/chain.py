"""Which plug-ins a server runs, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from controlplane.admission.always import AlwaysAdmit, AlwaysDeny
from controlplane.admission.always_pull_images import AlwaysPullImages
from controlplane.admission.certificate_approval import CertificateApproval
from controlplane.admission.certificate_signing import CertificateSigning
from controlplane.admission.certificate_subject_restriction import CertificateSubjectRestriction
from controlplane.admission.cluster_trust_bundle_attest import ClusterTrustBundleAttest
from controlplane.admission.configuration import DEFAULT_CONFIGURATION, PluginConfiguration
from controlplane.admission.default_ingress_class import DefaultIngressClass
from controlplane.admission.default_storage_class import DefaultStorageClass
from controlplane.admission.default_toleration_seconds import DefaultTolerationSeconds
from controlplane.admission.deny_service_external_ips import DenyServiceExternalIPs
from controlplane.admission.device_admin_access import DeviceAdminAccess
from controlplane.admission.device_taint_times import DeviceTaintTimes
from controlplane.admission.event_rate_limit import EventRateLimit
from controlplane.admission.extended_resource_toleration import ExtendedResourceToleration
from controlplane.admission.interface import Chain, Plugin
from controlplane.admission.limit_pod_hard_anti_affinity_topology import LimitPodHardAntiAffinityTopology
from controlplane.admission.limit_ranger import LimitRanger
from controlplane.admission.namespace_lifecycle import NamespaceLifecycle
from controlplane.admission.namespace_presence import NamespaceAutoProvision, NamespaceExists, Provide
from controlplane.admission.node_restriction import NodeRestriction
from controlplane.admission.outside import Outside
from controlplane.admission.owner_references_permission_enforcement import (
    Allowed,
    OwnerReferencesPermissionEnforcement,
)
from controlplane.admission.persistent_volume_claim_resize import PersistentVolumeClaimResize
from controlplane.admission.pod_certificate_signing import PodCertificateSigning
from controlplane.admission.pod_node_selector import PodNodeSelector
from controlplane.admission.pod_security import PodSecurity
from controlplane.admission.pod_toleration_restriction import PodTolerationRestriction
from controlplane.admission.pod_topology_labels import PodTopologyLabels
from controlplane.admission.policies.mutating import MutatingPolicies
from controlplane.admission.policies.validating import ValidatingPolicies
from controlplane.admission.priority import Priority
from controlplane.admission.resource_quota import QuotaLedger, ResourceQuotaAdmission
from controlplane.admission.runtime_class import RuntimeClassAdmission
from controlplane.admission.service_account import ServiceAccount
from controlplane.admission.signers import SignerPolicy
from controlplane.admission.storage_object_in_use_protection import StorageObjectInUseProtection
from controlplane.admission.taint_nodes_by_condition import TaintNodesByCondition
from controlplane.admission.webhooks import MutatingWebhooks, ValidatingWebhooks
from controlplane.api.reader import ObjectReader
from controlplane.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Materials:
    """What plug-ins are made from."""

    reader: ObjectReader
    clock: Clock
    random: Random
    signer_policy: SignerPolicy
    outside: Outside | None = None  # without it nothing dynamic runs: webhooks and policies
    provide: Provide | None = None  # makes namespaces
    allowed: Allowed | None = None
    quotas: QuotaLedger | None = None  # without it nothing is charged
    configuration: PluginConfiguration = DEFAULT_CONFIGURATION


def _owner_references(allowed: Allowed | None, outside: Outside | None) -> Plugin | None:
    if allowed is None or outside is None:
        return None
    return OwnerReferencesPermissionEnforcement(allowed, outside.served.resource_of)


# In the order in which they run.
_MAKERS: dict[str, Callable[[Materials], Plugin | None]] = {
    "AlwaysAdmit": lambda m: AlwaysAdmit(),
    "NamespaceAutoProvision": lambda m: m.provide and NamespaceAutoProvision(m.reader, m.provide),
    "NamespaceLifecycle": lambda m: NamespaceLifecycle(m.reader, m.clock),
    "NamespaceExists": lambda m: NamespaceExists(m.reader, m.clock),
    "LimitPodHardAntiAffinityTopology": lambda m: LimitPodHardAntiAffinityTopology(),
    "LimitRanger": lambda m: LimitRanger(m.reader),
    "ServiceAccount": lambda m: ServiceAccount(m.reader, m.clock, m.random),
    "NodeRestriction": lambda m: NodeRestriction(m.reader),
    "TaintNodesByCondition": lambda m: TaintNodesByCondition(),
    "AlwaysPullImages": lambda m: AlwaysPullImages(),
    "PodSecurity": lambda m: PodSecurity(m.reader, m.configuration.pod_security),
    "PodNodeSelector": lambda m: PodNodeSelector(m.reader, m.configuration.node_selectors),
    "Priority": lambda m: Priority(m.reader, m.clock),
    "DefaultTolerationSeconds": lambda m: DefaultTolerationSeconds(),
    "PodTolerationRestriction": lambda m: PodTolerationRestriction(m.reader, m.configuration.tolerations),
    "EventRateLimit": lambda m: EventRateLimit(m.configuration.event_limits, m.clock),
    "ExtendedResourceToleration": lambda m: ExtendedResourceToleration(),
    "DefaultStorageClass": lambda m: DefaultStorageClass(m.reader),
    "StorageObjectInUseProtection": lambda m: StorageObjectInUseProtection(),
    "OwnerReferencesPermissionEnforcement": lambda m: _owner_references(m.allowed, m.outside),
    "PersistentVolumeClaimResize": lambda m: PersistentVolumeClaimResize(m.reader),
    "RuntimeClass": lambda m: RuntimeClassAdmission(m.reader, m.clock),
    "CertificateApproval": lambda m: CertificateApproval(m.signer_policy),
    "CertificateSigning": lambda m: CertificateSigning(m.signer_policy),
    "ClusterTrustBundleAttest": lambda m: ClusterTrustBundleAttest(m.signer_policy),
    "CertificateSubjectRestriction": lambda m: CertificateSubjectRestriction(),
    "DefaultIngressClass": lambda m: DefaultIngressClass(m.reader),
    "DenyServiceExternalIPs": lambda m: DenyServiceExternalIPs(),
    "PodTopologyLabels": lambda m: PodTopologyLabels(m.reader),
}
_DYNAMIC: dict[str, Callable[[Materials, Outside], Plugin]] = {
    "MutatingAdmissionPolicy": lambda m, outside: MutatingPolicies(m.reader, outside, m.clock),
    "MutatingAdmissionWebhook": lambda m, outside: MutatingWebhooks(m.reader, outside, m.clock),
    "ValidatingAdmissionPolicy": lambda m, outside: ValidatingPolicies(m.reader, outside, m.clock),
    "ValidatingAdmissionWebhook": lambda m, outside: ValidatingWebhooks(m.reader, outside, m.clock),
}
# At the very end: what is refused must not be charged.
_LAST: dict[str, Callable[[Materials], Plugin | None]] = {
    "ResourceQuota": lambda m: (
        None if m.quotas is None else ResourceQuotaAdmission(m.quotas, m.clock, m.configuration.limited)
    ),
    "AlwaysDeny": lambda m: AlwaysDeny(),
}
OFF_BY_DEFAULT = frozenset(
    {
        "AlwaysAdmit", "AlwaysDeny", "AlwaysPullImages", "DenyServiceExternalIPs", "EventRateLimit",
        "ExtendedResourceToleration", "LimitPodHardAntiAffinityTopology", "NamespaceAutoProvision", "NamespaceExists",
        "OwnerReferencesPermissionEnforcement", "PodNodeSelector", "PodTolerationRestriction",
    }
)  # fmt: skip
KNOWN: tuple[str, ...] = (*_MAKERS, *_DYNAMIC, *_LAST)

# Names that units written for upstream use; naming one is no mistake, but it does nothing here.
WITHOUT_EFFECT = frozenset(
    {
        "ImagePolicyWebhook", "Initializers", "JobValidation", "NodeDeclaredFeatureValidator", "PersistentVolumeLabel",
        "PodGroupProtection", "PodGroupWorkloadExists", "PodResizeValidator", "PodSecurityPolicy",
    }
)  # fmt: skip


class UnknownPlugin(ValueError):
    """There is no plug-in of this name."""


def selected(enabled: Iterable[str] = (), disabled: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """Return the plug-ins to run, in order, and those of `enabled` that have no effect. Raises UnknownPlugin."""
    enabled, disabled = set(enabled), set(disabled)
    for name in sorted(enabled | disabled):
        if name not in KNOWN and name not in WITHOUT_EFFECT:
            raise UnknownPlugin(f'there is no admission plugin "{name}"')
    if both := sorted(enabled & disabled):
        raise UnknownPlugin(f"admission plugins are both enabled and disabled: {', '.join(both)}")
    run = [name for name in KNOWN if name in enabled or (name not in OFF_BY_DEFAULT and name not in disabled)]
    return run, sorted(enabled & WITHOUT_EFFECT)


def default_chain(
    materials: Materials,
    *,
    enabled: Iterable[str] = (),
    disabled: Iterable[str] = (),
    extra: Sequence[Plugin] = (),
) -> Chain:
    """Return the chain of a server; `extra` are plug-ins of other rooms; what is dynamic and `_LAST` come behind."""
    run, _ = selected(enabled, disabled)
    always = (  # rules that upstream has in a kind's storage: no flag names them
        PodCertificateSigning(materials.signer_policy, materials.clock),
        DeviceAdminAccess(materials.reader),
        DeviceTaintTimes(materials.clock),
    )
    outside = materials.outside
    plugins = [*_made(_MAKERS, run, materials), *always, *extra]
    last = _made(_LAST, run, materials)
    if outside is None:
        return Chain([*plugins, *last])
    dynamic = [_DYNAMIC[name](materials, outside) for name in run if name in _DYNAMIC]
    return Chain([*plugins, *dynamic, *last], materials.clock, outside.metrics)


def _made(
    makers: Mapping[str, Callable[[Materials], Plugin | None]], names: Iterable[str], materials: Materials
) -> list[Plugin]:
    """Return the plug-ins of these names for which there is what they are made from."""
    made = (makers[name](materials) for name in names if name in makers)
    return [plugin for plugin in made if plugin is not None]
