"""Certificate signing requests: making one, reading one, answering one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controlplane.kit.clock import Clock
from controlplane.pki.issue import Leaf, Pair, certify, general_names, subject_of

MIN_DURATION = timedelta(minutes=10)


class BadRequestForCertificate(ValueError):
    """The request cannot be signed; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, checked to be signed by the key it is for."""

    request: x509.CertificateSigningRequest
    common_name: str
    organizations: tuple[str, ...]
    names: tuple[x509.GeneralName, ...]

    @property
    def dns_names(self) -> tuple[str, ...]:
        return tuple(name.value for name in self.names if isinstance(name, x509.DNSName))

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(str(name.value) for name in self.names if isinstance(name, x509.IPAddress))

    @property
    def emails_or_uris(self) -> bool:
        return any(isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier) for name in self.names)


def make(leaf: Leaf, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a request for a certificate, in PEM."""
    builder = x509.CertificateSigningRequestBuilder(subject_of(leaf))
    if names := general_names(leaf):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def read(der: bytes) -> Wanted:
    """Return what a request (DER) asks for. Raises BadRequestForCertificate."""
    try:
        request = x509.load_der_x509_csr(der)
        genuine = request.is_signature_valid
        subject, extensions = request.subject, request.extensions
    except ValueError as error:
        raise BadRequestForCertificate(f"not a certificate request: {error}") from error
    if not genuine:
        raise BadRequestForCertificate("the request is not signed by its own key")
    try:
        names = tuple(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = ()
    common_names = [str(one.value) for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organizations = (str(one.value) for one in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    return Wanted(request, common_names[0] if common_names else "", tuple(organizations), names)


def der_of(pem: bytes) -> bytes:
    """Return the DER of a request in PEM, which is what spec.request holds. Raises BadRequestForCertificate."""
    try:
        return x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER)
    except ValueError as error:
        raise BadRequestForCertificate("spec.request is not a certificate request in PEM") from error


def sign(der: bytes, authority: Pair, usages: Sequence[str], duration: timedelta, clock: Clock) -> bytes:
    """Return the certificate, in PEM, for what a request (DER) asks for. Raises BadRequestForCertificate."""
    wanted = read(der)
    certificate = certify(
        wanted.request.subject,
        wanted.request.public_key(),
        wanted.names,
        usages,
        authority,
        clock.now(),
        max(duration, MIN_DURATION),
    )
    return certificate.public_bytes(serialization.Encoding.PEM)
