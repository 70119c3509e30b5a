"""kubectl get role bindings, service accounts, and everything about certificates."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.certificates_v1 import CertificateSigningRequest, ClusterTrustBundle, PodCertificateRequest
from controlplane.api.core_v1 import ServiceAccount
from controlplane.api.rbac_v1 import ClusterRoleBinding, RoleBinding
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer, wide
from controlplane.apiserver.tables.texts import age, human_duration, or_none


def _binding(binding: RoleBinding | ClusterRoleBinding, now: datetime) -> list[Cell]:
    role, subjects = binding.role_ref, binding.subjects
    accounts = [f"{one.namespace}/{one.name}" for one in subjects if one.kind == "ServiceAccount"]
    return [
        binding.metadata.name,
        f"{role.kind}/{role.name}" if role else "",
        age(binding.metadata.creation_timestamp, now),
        ", ".join(one.name for one in subjects if one.kind == "User"),
        ", ".join(one.name for one in subjects if one.kind == "Group"),
        ", ".join(accounts),
    ]


def _certificate_request(request: CertificateSigningRequest, now: datetime) -> list[Cell]:
    seconds = request.spec.expiration_seconds
    return [
        request.metadata.name,
        age(request.metadata.creation_timestamp, now),
        or_none(request.spec.signer_name),
        request.spec.username,
        or_none("" if seconds is None else human_duration(seconds)),
        _certificate_state(request),
    ]


def _certificate_state(request: CertificateSigningRequest) -> str:
    """Approved,Issued"""
    conditions = {condition.type for condition in request.status.conditions}
    state = "Denied" if "Denied" in conditions else "Approved" if "Approved" in conditions else "Pending"
    if "Failed" in conditions:
        state += ",Failed"
    return state + ",Issued" if request.status.certificate else state


def _trust_bundle(bundle: ClusterTrustBundle, now: datetime) -> list[Cell]:
    return [bundle.metadata.name, or_none(bundle.spec.signer_name)]


def _pod_certificate(request: PodCertificateRequest, now: datetime) -> list[Cell]:
    ended = [condition.type for condition in request.status.conditions if condition.status == "True"]
    return [
        request.metadata.name,
        request.spec.pod_name,
        request.spec.service_account_name,
        request.spec.node_name,
        request.spec.signer_name,
        ended[0] if ended else "Pending",
        age(request.metadata.creation_timestamp, now),
    ]


def _service_account(account: ServiceAccount, now: datetime) -> list[Cell]:
    return [account.metadata.name, len(account.secrets), age(account.metadata.creation_timestamp, now)]


ROLE_BINDING = Printer(
    (NAME, Column("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")),
    _binding,
)
CERTIFICATE_SIGNING_REQUEST = Printer(
    (NAME, AGE, Column("SignerName"), Column("Requestor"), Column("RequestedDuration"), Column("Condition")),
    _certificate_request,
)
CLUSTER_TRUST_BUNDLE = Printer((NAME, Column("SignerName")), _trust_bundle)
POD_CERTIFICATE_REQUEST = Printer(
    (
        NAME,
        Column("PodName"),
        Column("ServiceAccountName"),
        Column("NodeName"),
        Column("SignerName"),
        Column("State"),
        AGE,
    ),
    _pod_certificate,
)
SERVICE_ACCOUNT = Printer((NAME, Column("Secrets"), AGE), _service_account)
