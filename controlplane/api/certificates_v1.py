"""io.k8s.api.certificates.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated

from controlplane.api.base import Atomic, Int32, KubeStruct, ListMap, Time, always
from controlplane.api.meta_v1 import Condition, ObjectMeta


class CertificateSigningRequestSpec(KubeStruct):
    expiration_seconds: Int32 | None = None
    extra: dict[str, list[str]] = {}
    groups: Annotated[list[str], Atomic()] = []
    request: str = ""
    signer_name: str = always(str)
    uid: str = ""
    usages: Annotated[list[str], Atomic()] = []
    username: str = ""


class CertificateSigningRequestCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    last_update_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class CertificateSigningRequestStatus(KubeStruct):
    certificate: str = ""
    conditions: Annotated[list[CertificateSigningRequestCondition], ListMap(("type",))] = []


class CertificateSigningRequest(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: CertificateSigningRequestSpec = always(CertificateSigningRequestSpec)
    status: CertificateSigningRequestStatus = always(CertificateSigningRequestStatus)


class ClusterTrustBundleSpec(KubeStruct):
    signer_name: str = ""
    trust_bundle: str = always(str)


class ClusterTrustBundle(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ClusterTrustBundleSpec = always(ClusterTrustBundleSpec)


class PodCertificateRequestSpec(KubeStruct):
    max_expiration_seconds: Int32 | None = None
    node_name: str = always(str)
    node_uid: str = always(str)
    pod_name: str = always(str)
    pod_uid: str = always(str)
    service_account_name: str = always(str)
    service_account_uid: str = always(str)
    signer_name: str = always(str)
    stub_p_k_c_s10_request: str = ""
    unverified_user_annotations: dict[str, str] = {}


class PodCertificateRequestStatus(KubeStruct):
    begin_refresh_at: Time | None = None
    certificate_chain: str = ""
    conditions: Annotated[list[Condition], ListMap(("type",), merge_key="type")] = []
    not_after: Time | None = None
    not_before: Time | None = None


class PodCertificateRequest(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: PodCertificateRequestSpec = always(PodCertificateRequestSpec)
    status: PodCertificateRequestStatus = always(PodCertificateRequestStatus)
