"""The pin of an authority: how a machine that joins recognizes the cluster it was told about."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import serialization


def pin(certificate: x509.Certificate) -> str:
    """Return `sha256:<hex>` of the public key's DER (RFC 7469, section 2.4), as kubeadm prints it."""
    der = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def pin_of_pem(pem: bytes) -> str:
    """Return the pin of a certificate in PEM. Raises ValueError."""
    return pin(x509.load_pem_x509_certificate(pem))
