"""What cluster policy changes in, or refuses of, an object on its way to the store. Stores nothing itself.

    request ─► defaults ─► Chain.mutate ─► strategy.prepare ─► typed, validated ─► Chain.validate ─► store
                           every plug-in,                                          every plug-in,
                           in this order:                                          in the same order

NamespaceLifecycle, LimitRanger, ServiceAccount, NodeRestriction, TaintNodesByCondition, PodSecurity, Priority,
DefaultTolerationSeconds, DefaultStorageClass, StorageObjectInUseProtection, PersistentVolumeClaimResize, RuntimeClass,
CertificateApproval, CertificateSigning, ClusterTrustBundleAttest, CertificateSubjectRestriction, DefaultIngressClass,
PodTopologyLabels, among them those that somebody has to ask for; then rules that no flag turns off, and plug-ins of
other rooms (RBAC's escalation check); then what is dynamic: MutatingAdmissionPolicy, MutatingAdmissionWebhook,
ValidatingAdmissionPolicy, ValidatingAdmissionWebhook; and ResourceQuota at the end. Upstream's order, kept in
`chain.py`; what plug-ins are told by a file is in `configuration.py`.

A plug-in a file; each decides from the request and from objects in memory (`api.reader`), and does no I/O. Only
`webhooks/` asks somebody outside, through a transport that it is given (`outside.py`), and `resource_quota.py` writes
through a ledger; `policies/` and match conditions evaluate expressions (`controlplane.cel`), which are loaded when the
first of them is. What may be about to appear is looked for twice (`patience.py`).
"""

from __future__ import annotations

from controlplane.admission.chain import Materials, default_chain
from controlplane.admission.interface import Attributes, Chain, Operation, Plugin

__all__ = ["Attributes", "Chain", "Materials", "Operation", "Plugin", "default_chain"]
