"""Making keys and certificates."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=365)
# A machine whose clock is a little behind must not find a new certificate "not yet valid".
BACKDATE = timedelta(minutes=5)

_PURPOSES = {"client auth": ExtendedKeyUsageOID.CLIENT_AUTH, "server auth": ExtendedKeyUsageOID.SERVER_AUTH}


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return key_pem(self.key)


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a certificate says."""

    common_name: str
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    usages: tuple[str, ...] = ("client auth",)  # as a CSR's spec.usages names them


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(common_name: str, now: datetime) -> Pair:
    """Return a new self-signed authority."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _builder(name, name, key.public_key(), now - BACKDATE, now + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def issue(leaf: Leaf, authority: Pair, now: datetime, lifetime: timedelta = LEAF_LIFETIME) -> Pair:
    """Return a new key with a certificate for it."""
    key = new_key()
    certificate = certify(
        subject_of(leaf), key.public_key(), general_names(leaf), leaf.usages, authority, now, lifetime
    )
    return Pair(certificate, key)


def certify(
    subject: x509.Name,
    public_key: CertificatePublicKeyTypes,
    names: Sequence[x509.GeneralName],
    usages: Sequence[str],
    authority: Pair,
    now: datetime,
    lifetime: timedelta,
) -> x509.Certificate:
    """Return a certificate for somebody's key; it never outlives the authority."""
    issuer = authority.certificate
    until = min(now + lifetime, issuer.not_valid_after_utc)
    builder = (
        _builder(subject, issuer.subject, public_key, now - BACKDATE, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(enciphers="key encipherment" in usages), critical=True)
        .add_extension(_authority_key_identifier(issuer), critical=False)
    )
    if purposes := [_PURPOSES[usage] for usage in usages if usage in _PURPOSES]:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_pair(certificate: bytes, key: bytes) -> Pair:
    """Return what two PEM texts hold. Raises ValueError, also if they do not belong together."""
    loaded = serialization.load_pem_private_key(key, password=None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not an elliptic curve key")
    pair = Pair(x509.load_pem_x509_certificate(certificate), loaded)
    if pair.certificate.public_key() != loaded.public_key():
        raise ValueError("the certificate is for another key")
    return pair


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=since,
        not_valid_after=until,
    )


def subject_of(leaf: Leaf) -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in leaf.organizations]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)])


def general_names(leaf: Leaf) -> list[x509.GeneralName]:
    return [
        *(x509.DNSName(name) for name in leaf.dns_names),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in leaf.addresses),
    ]


def _key_usage(*, signs_certificates: bool = False, enciphers: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=enciphers or signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        # An authority made elsewhere may lack one; RFC 5280 then derives it from the key.
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
