"""What a CertificateSigningRequest asks for, and what each signer signs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache

from controlplane.api.certificates_v1 import CertificateSigningRequest
from controlplane.controllers import conditions
from controlplane.pki.csr import BadRequestForCertificate, Wanted, der_of, read

CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"

NODE_PREFIX, NODES = "system:node:", "system:nodes"
_SIGNATURE, _ENCIPHERMENT = "digital signature", "key encipherment"


def wanted_by(request: CertificateSigningRequest) -> Wanted:
    """Return what spec.request asks for. Raises BadRequestForCertificate."""
    return _wanted(request.spec.request)


@lru_cache(maxsize=64)  # approver and signer read the same few
def _wanted(encoded: str) -> Wanted:
    return read(der(encoded))


def der(encoded: str) -> bytes:
    """Return the request in DER. Raises BadRequestForCertificate."""
    try:
        return der_of(base64.b64decode(encoded, validate=True))
    except binascii.Error as error:
        raise BadRequestForCertificate("spec.request is not base64") from error


def is_approved(request: CertificateSigningRequest) -> bool:
    return _has(request, "Approved") and not _has(request, "Denied")


def is_decided(request: CertificateSigningRequest) -> bool:
    return _has(request, "Approved") or _has(request, "Denied")


def has_failed(request: CertificateSigningRequest) -> bool:
    return _has(request, "Failed")


def _has(request: CertificateSigningRequest, type_: str) -> bool:
    return conditions.find(request.status.conditions, type_) is not None


def why_not(signer: str, wanted: Wanted, usages: Iterable[str]) -> str:
    """Return which rule of the signer a request breaks; "" if none."""
    asked = set(usages)
    if signer == KUBELET_CLIENT:
        return _node_name_broken(wanted) or _names_in_client_certificate(wanted) or _usages(asked, "client auth")
    if signer == KUBELET_SERVING:
        return _node_name_broken(wanted) or _names_of_server(wanted) or _usages(asked, "server auth")
    if signer == CLIENT:
        return _client_usages(asked)
    return ""


def _node_name_broken(wanted: Wanted) -> str:
    if wanted.organizations != (NODES,):
        return "subject organization is not system:nodes"
    if not wanted.common_name.startswith(NODE_PREFIX):
        return "subject common name does not begin with system:node:"
    return ""


def _names_in_client_certificate(wanted: Wanted) -> str:
    if wanted.names:
        return "a kubelet's client certificate may not have subject alternative names"
    return ""


def _names_of_server(wanted: Wanted) -> str:
    if wanted.emails_or_uris:
        return "only DNS and IP subjectAltNames are allowed"
    if not wanted.dns_names and not wanted.addresses:
        return "DNS or IP subjectAltName is required"
    return ""


def _usages(asked: set[str], purpose: str) -> str:
    """Encipherment is of use to RSA keys only, so it may be left out."""
    if asked - {_ENCIPHERMENT} != {_SIGNATURE, purpose}:
        return f'usages must be "{_SIGNATURE}", "{purpose}" and optionally "{_ENCIPHERMENT}"'
    return ""


def _client_usages(asked: set[str]) -> str:
    if "client auth" not in asked or not asked <= {_SIGNATURE, _ENCIPHERMENT, "client auth"}:
        return f'usages must include "client auth" and otherwise only "{_SIGNATURE}" and "{_ENCIPHERMENT}"'
    return ""
