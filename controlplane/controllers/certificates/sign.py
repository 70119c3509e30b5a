"""Signs approved requests, or says why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from controlplane.api.certificates_v1 import CertificateSigningRequest
from controlplane.controllers.certificates.requests import der, has_failed, is_approved, wanted_by, why_not
from controlplane.pki.csr import BadRequestForCertificate


class Signer(Protocol):
    """An authority and its key."""

    def sign(self, der: bytes, usages: Sequence[str], duration: timedelta) -> bytes:
        """Return a certificate in PEM. Raises BadRequestForCertificate."""


class Refused(Exception):
    """The signer will never sign this."""


def awaits_signature(request: CertificateSigningRequest, signers: Mapping[str, Signer]) -> bool:
    return (
        request.spec.signer_name in signers
        and is_approved(request)
        and not has_failed(request)
        and not request.status.certificate
    )


def duration_of(request: CertificateSigningRequest, longest: timedelta) -> timedelta:
    asked = request.spec.expiration_seconds
    return min(longest, timedelta(seconds=asked)) if asked is not None else longest


def sign(request: CertificateSigningRequest, signer: Signer, longest: timedelta) -> bytes:
    """Return the certificate in PEM. Raises Refused."""
    try:
        reason = why_not(request.spec.signer_name, wanted_by(request), request.spec.usages)
        if reason:
            raise Refused(reason)
        return signer.sign(der(request.spec.request), request.spec.usages, duration_of(request, longest))
    except BadRequestForCertificate as error:
        raise Refused(str(error)) from error
