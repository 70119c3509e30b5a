"""Certificate signing requests."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from controlplane.api import names
from controlplane.api.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import duplicate, forbidden, invalid, not_supported, required

_USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s.*?-----END \1-----", re.DOTALL)
_SHORTEST = 600  # seconds
_DECISIONS = ("Approved", "Denied")


def validate_signing_request(request: CertificateSigningRequest) -> list[FieldError]:
    spec, errors = request.spec, []
    if why := _why_no_request(spec.request):
        errors.append(invalid("spec.request", spec.request, why))
    if not spec.usages:
        errors.append(required("spec.usages"))
    for index, usage in enumerate(spec.usages):
        if usage not in _USAGES:
            errors.append(not_supported(f"spec.usages[{index}]", usage, _USAGES))
        if usage in spec.usages[:index]:
            errors.append(duplicate(f"spec.usages[{index}]", usage))
    if spec.signer_name == "kubernetes.io/legacy-unknown":
        why = "the legacy signerName is not allowed via this API version"
        errors.append(invalid("spec.signerName", spec.signer_name, why))
    else:
        errors += validate_signer_name(spec.signer_name, "spec.signerName")
    if spec.expiration_seconds is not None and spec.expiration_seconds < _SHORTEST:
        why = "may not specify a duration less than 600 seconds (10 minutes)"
        errors.append(invalid("spec.expirationSeconds", spec.expiration_seconds, why))
    errors += _validate_conditions(request.status.conditions)
    return errors


def pem_blocks(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the label of each PEM block of a text, and the block."""
    for block in _PEM.finditer(text.encode()):
        yield block[1].decode(), block[0]


def _why_no_request(text: str) -> str:
    """Return why the base64 text holds no PKCS #10 request in PEM, if so."""
    try:
        pem = base64.b64decode(text, validate=True)
    except binascii.Error:
        return "illegal base64 data"
    block = _PEM.search(pem)
    if block is None or block[1] not in (b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"):
        return "PEM block type must be CERTIFICATE REQUEST"
    from cryptography import x509  # loaded by the first request only: it is large

    try:
        signed = x509.load_pem_x509_csr(block[0]).is_signature_valid
    except ValueError as error:
        return f"asn1: structure error: {error}"
    return "" if signed else "x509: signature of the request does not verify"


def validate_signer_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    domain, slash, rest = name.partition("/")
    if not slash or "/" in rest or not rest:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [invalid(path, name, why)]
    problems = names.dns1123_subdomain(domain)
    problems += [problem for part in rest.split(".") for problem in names.dns1123_label(part)]
    if "." not in domain:
        problems.append("should be a domain with at least two segments separated by dots")
    return [invalid(path, name, problem) for problem in problems]


def _validate_conditions(conditions: Sequence[CertificateSigningRequestCondition]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        at = f"status.conditions[{index}]"
        if not condition.type:
            yield required(f"{at}.type")
        if not condition.status:
            yield required(f"{at}.status")
        elif condition.status not in ("True", "False", "Unknown"):
            yield not_supported(f"{at}.status", condition.status, ("True", "False", "Unknown"))
        elif condition.type in (*_DECISIONS, "Failed") and condition.status != "True":
            yield not_supported(f"{at}.status", condition.status, ("True",))
        if condition.type in _DECISIONS and seen & set(_DECISIONS) and condition.type not in seen:
            yield invalid(f"{at}.type", condition.type, "Approved and Denied conditions are mutually exclusive")
        if condition.type in seen:
            yield duplicate(f"{at}.type", condition.type)
        seen.add(condition.type)


def validate_signing_request_approval(
    new: CertificateSigningRequest, old: CertificateSigningRequest
) -> list[FieldError]:
    """A decision once made stays made."""
    errors = list(_validate_conditions(new.status.conditions))
    kept = {condition.type for condition in new.status.conditions}
    for condition in old.status.conditions:
        if condition.type in (*_DECISIONS, "Failed") and condition.type not in kept:
            why = f"updates may not remove a condition of type {condition.type!r}".replace("'", '"')
            errors.append(forbidden("status.conditions", why))
    return errors


def validate_signing_request_status(new: CertificateSigningRequest, old: CertificateSigningRequest) -> list[FieldError]:
    errors = validate_signing_request_approval(new, old)
    if old.status.certificate and new.status.certificate != old.status.certificate:
        errors.append(forbidden("status.certificate", "updates may not change an issued certificate"))
    elif new.status.certificate and not _holds_certificate(new.status.certificate):
        errors.append(
            invalid("status.certificate", "<certificate data>", "must contain at least one CERTIFICATE block")
        )
    return errors


def _holds_certificate(text: str) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE-----" in base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
