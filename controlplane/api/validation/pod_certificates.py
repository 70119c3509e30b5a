"""Requests of nodes for certificates that pods hold, and what a signer may answer.

Who may sign, and whether the certificate begins now, is `admission/pod_certificate_signing.py`'s to say.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from controlplane.api import names
from controlplane.api.certificates_v1 import (
    PodCertificateRequest,
    PodCertificateRequestSpec,
    PodCertificateRequestStatus,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.certificates import pem_blocks, validate_signer_name
from controlplane.api.validation.conditions import validate_conditions
from controlplane.api.validation.errors import checked, immutable, invalid, not_supported, required, too_long
from controlplane.kit.timestamps import format_time, parse_time

if TYPE_CHECKING:
    from cryptography import x509

ENDS = ("Issued", "Denied", "Failed")
_SHORTEST, _LONGEST, _LONGEST_OF_KUBERNETES = 3600, 91 * 86400, 86400  # seconds
_UID, _REQUEST, _CHAIN, _ANNOTATIONS = 128, 10 * 1024, 100 * 1024, 256 * 1024  # bytes
_RSA_BITS = (3072, 4096)
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_MARGIN = timedelta(minutes=10)
_CHAIN_PATH = "status.certificateChain"
_STUB_PATH = "spec.stubPKCS10Request"


def validate_pod_certificate(request: PodCertificateRequest) -> list[FieldError]:
    spec = request.spec
    errors = validate_signer_name(spec.signer_name, "spec.signerName")
    errors += _validate_annotations(spec)
    errors += _validate_identity(spec)
    if spec.max_expiration_seconds is None:
        return [*errors, required("spec.maxExpirationSeconds", "must be set")]
    longest = _LONGEST_OF_KUBERNETES if _is_kubernetes(spec.signer_name) else _LONGEST
    if not _SHORTEST <= spec.max_expiration_seconds <= longest:
        why = f"must be in the range [{_SHORTEST}, {longest}]"
        errors.append(invalid("spec.maxExpirationSeconds", spec.max_expiration_seconds, why))
    return errors + _validate_stub(spec.stub_p_k_c_s10_request)


def _is_kubernetes(signer: str) -> bool:
    host = signer.partition("/")[0]
    return host == "kubernetes.io" or host.endswith(".kubernetes.io")


def _validate_annotations(spec: PodCertificateRequestSpec) -> Iterator[FieldError]:
    path = "spec.unverifiedUserAnnotations"
    for key in spec.unverified_user_annotations:
        problems = names.qualified_name(key.lower())
        if not problems and "/" not in key:
            problems = ['must be a domain-prefixed key (such as "acme.io/foo")']
        yield from checked(path, key, problems)
    texts = spec.unverified_user_annotations.items()
    if sum(len(key.encode()) + len(value.encode()) for key, value in texts) > _ANNOTATIONS:
        yield too_long(path, _ANNOTATIONS)


def _validate_identity(spec: PodCertificateRequestSpec) -> Iterator[FieldError]:
    for what, name, uid in (
        ("pod", spec.pod_name, spec.pod_uid),
        ("serviceAccount", spec.service_account_name, spec.service_account_uid),
        ("node", spec.node_name, spec.node_uid),
    ):
        yield from checked(f"spec.{what}Name", name, names.dns1123_subdomain(name))
        if not uid:
            yield invalid(f"spec.{what}UID", uid, "must not be empty")
        if len(uid.encode()) > _UID:
            yield too_long(f"spec.{what}UID", _UID)


def _validate_stub(text: str) -> list[FieldError]:
    if not text:
        return [required(_STUB_PATH)]
    data = _decoded(text)
    if len(data) > _REQUEST:
        return [too_long(_STUB_PATH, _REQUEST)]
    from cryptography import x509  # loaded by the first request only: it is large

    try:
        stub = x509.load_der_x509_csr(data)
        key = stub.public_key()
    except (ValueError, TypeError):
        return [invalid(_STUB_PATH, text, "must be a valid PKCS#10 CSR")]
    if why := _why_no_key(key):
        return [invalid(_STUB_PATH, text, why)]
    return [] if stub.is_signature_valid else [invalid(_STUB_PATH, text, "could not verify CSR signature")]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _why_no_key(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ed25519.Ed25519PublicKey):
        return ""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.name in _CURVES else "elliptic public keys must use curve P256, P384, or P521"
    if isinstance(key, rsa.RSAPublicKey):
        return "" if key.key_size in _RSA_BITS else "RSA keys must have modulus size 3072 or 4096"
    return "unknown public key type; supported types are Ed25519, ECDSA, and RSA"


def validate_pod_certificate_update(new: PodCertificateRequest, old: PodCertificateRequest) -> list[FieldError]:
    return immutable("spec", new.spec, old.spec)


def validate_pod_certificate_status(new: PodCertificateRequest, old: PodCertificateRequest) -> list[FieldError]:
    """A request ends once, in one of three ways, and only a certificate brings anything but a condition with it."""
    status = new.status
    if errors := [*_validate_ends(status), *validate_conditions(status.conditions, "status.conditions")]:
        return errors
    if any(_ended(old.status, how) for how in ENDS):
        why = "immutable after PodCertificateRequest is issued, denied, or failed"
        return [] if status == old.status else [_omitted("status", why)]
    if _ended(status, "Denied") or _ended(status, "Failed"):
        why = "non-condition status fields must be empty when denying or failing the PodCertificateRequest"
        return [] if status == PodCertificateRequestStatus(conditions=status.conditions) else [_omitted("status", why)]
    if _ended(status, "Issued"):
        return list(_validate_issued(new))
    why = 'status is immutable unless transitioning to "Issued", "Denied", or "Failed"'
    return [] if status == old.status else [_omitted("status", why)]


def _omitted(path: str, why: str) -> FieldError:
    return FieldError("FieldValueInvalid", path, f"Invalid value: {why}")


def _ended(status: PodCertificateRequestStatus, how: str) -> bool:
    return any(condition.type == how and condition.status == "True" for condition in status.conditions)


def _validate_ends(status: PodCertificateRequestStatus) -> Iterator[FieldError]:
    known = 0
    for index, condition in enumerate(status.conditions):
        path = f"status.conditions[{index}]"
        if condition.type not in ENDS:
            yield not_supported(f"{path}.type", condition.type, ENDS)
            continue
        known += 1
        if known > 1:
            why = 'There may be at most one condition with type "Issued", "Denied", or "Failed"'
            yield invalid(f"{path}.type", condition.type, why)
        if condition.status != "True":
            yield not_supported(f"{path}.status", condition.status, ("True",))


def _validate_issued(request: PodCertificateRequest) -> Iterator[FieldError]:
    chain = request.status.certificate_chain
    if len(chain.encode()) > _CHAIN:
        yield too_long(_CHAIN_PATH, _CHAIN)
        return
    certificates = _read_chain(chain)
    if isinstance(certificates, str):
        yield invalid(_CHAIN_PATH, chain, certificates)
        return
    leaf = certificates[0]
    if _key_bytes(leaf) != _key_bytes(_stub_of(request.spec)):
        yield invalid(_CHAIN_PATH, chain, "leaf certificate was not issued to the requested public key")
        return
    yield from _validate_times(request, leaf)


def _stub_of(spec: PodCertificateRequestSpec) -> x509.CertificateSigningRequest:
    from cryptography import x509

    return x509.load_der_x509_csr(_decoded(spec.stub_p_k_c_s10_request))


def _key_bytes(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read_chain(text: str) -> list[x509.Certificate] | str:
    """Return the certificates of a chain, the leaf first, or what is wrong with it."""
    from cryptography import x509

    blocks = list(pem_blocks(text))
    if not blocks:
        return "issued certificate chain must contain at least one certificate"
    if any(label != "CERTIFICATE" for label, _ in blocks):
        return "issued certificate chain must consist entirely of CERTIFICATE PEM blocks"
    found = []
    for index, (_, block) in enumerate(blocks):
        try:
            found.append(x509.load_pem_x509_certificate(block))
        except ValueError:
            return f"{'intermediate' if index else 'leaf'} certificate does not parse as valid X.509"
    return found


def _validate_times(request: PodCertificateRequest, leaf: x509.Certificate) -> Iterator[FieldError]:
    status = request.status
    given = {"notBefore": status.not_before, "notAfter": status.not_after, "beginRefreshAt": status.begin_refresh_at}
    missing = [name for name, time in given.items() if not time]
    for name in missing:
        within = "in the range [notbefore+10min, notafter-10min]"
        why = within if name == "beginRefreshAt" else "consistent with the issued certificate"
        yield required(f"status.{name}", f"must be present and {why}")
    if missing:
        return
    begins, ends, refresh = (parse_time(time or "") for time in given.values())
    not_before, not_after = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    lifetime = not_after - not_before
    for wrong, path, value, why in (
        (begins != not_before, "status.notBefore", begins, _encoded("NotBefore")),
        (ends != not_after, "status.notAfter", ends, _encoded("NotAfter")),
        (lifetime < timedelta(hours=1), _CHAIN_PATH, lifetime, "leaf certificate lifetime must be >= 1 hour"),
        (
            lifetime > timedelta(seconds=request.spec.max_expiration_seconds or 0),
            _CHAIN_PATH,
            lifetime,
            f"leaf certificate lifetime must be <= spec.maxExpirationSeconds ({request.spec.max_expiration_seconds})",
        ),
        (refresh < begins + _MARGIN, "status.beginRefreshAt", refresh, _margin("after status.notBefore")),
        (refresh > ends - _MARGIN, "status.beginRefreshAt", refresh, _margin("before status.notAfter")),
    ):
        if wrong:
            yield invalid(path, _shown(value), why)
            return


def _encoded(field: str) -> str:
    return f"must be set to the {field} time encoded in the leaf certificate"


def _margin(where: str) -> str:
    return f"must be at least 10 minutes {where}"


def _shown(value: datetime | timedelta) -> str | int:
    """A moment as RFC 3339; a lifetime as Go encodes it, in nanoseconds."""
    if isinstance(value, timedelta):
        return int(value.total_seconds()) * 10**9
    return format_time(value.astimezone(UTC))
