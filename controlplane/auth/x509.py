"""Client certificates: the common name is the user, each organization a group.

The TLS layer has checked who signed the certificate. Its dates are checked here, so that an expired one gets a 401 that
says so rather than a broken handshake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from controlplane.api.status import Unauthorized
from controlplane.auth.interface import Credentials, User
from controlplane.kit.clock import Clock

# The attribute that upstream reads as the user's UID: registered under Kubernetes' own arc.
UID_ATTRIBUTE = ObjectIdentifier("1.3.6.1.4.1.57683.2")
_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class _Known:
    user: User | None
    not_before: datetime
    not_after: datetime


class X509Authenticator:
    """Believes certificates within their dates.

    `roots` (DER) says whose, where the TLS layer also trusts CAs that do not vouch for users; None: all it lets in.
    """

    def __init__(self, clock: Clock, roots: Container[bytes] | None = None):
        self._clock, self._roots = clock, roots
        # A node keeps one certificate for months and sends thousands of requests with it.
        self._known: dict[bytes, _Known] = {}

    async def authenticate(self, credentials: Credentials) -> User | None:
        if credentials.certificate is None:
            return None
        if self._roots is not None and credentials.root not in self._roots:
            raise Unauthorized("Unauthorized")
        known = self._known.get(credentials.certificate) or self._parse(credentials.certificate)
        now = self._clock.now()
        if not known.not_before <= now <= known.not_after:
            raise Unauthorized("Unauthorized")
        return known.user

    def _parse(self, der: bytes) -> _Known:
        try:
            certificate = x509.load_der_x509_certificate(der)
            known = _Known(
                user_of(certificate.subject, der), certificate.not_valid_before_utc, certificate.not_valid_after_utc
            )
        except ValueError as error:
            raise Unauthorized("Unauthorized") from error
        if len(self._known) >= 4096:
            self._known.clear()
        self._known[der] = known
        return known


def user_of(subject: x509.Name, der: bytes) -> User | None:
    """Return the user a certificate's subject names, or None if it has no common name."""
    names = _values(subject, NameOID.COMMON_NAME)
    if not names or not names[0]:
        return None
    uids = _values(subject, UID_ATTRIBUTE)
    if len(uids) > 1:
        raise ValueError("a certificate names at most one UID")
    return User(
        names[0],
        uids[0] if uids else "",
        tuple(_values(subject, NameOID.ORGANIZATION_NAME)),
        {_CREDENTIAL_ID: (f"X509SHA256={hashlib.sha256(der).hexdigest()}",)},
    )


def _values(subject: x509.Name, oid: ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in subject.get_attributes_for_oid(oid)]
