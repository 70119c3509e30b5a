"""Callers whom a proxy vouches for: its certificate says who the proxy is, its headers say who calls.

    certificate of --requestheader-client-ca-file, CN front-proxy-client     ──►  believed
    X-Remote-User: jane, X-Remote-Group: dev, X-Remote-Extra-Scopes: read    ──►  jane, (dev), {scopes: (read,)}

Without such a certificate the same headers mean nothing at all.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from controlplane.api.status import Unauthorized
from controlplane.auth.interface import Credentials, User
from controlplane.auth.x509 import X509Authenticator
from controlplane.kit.clock import Clock
from controlplane.kit.files import modified

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RequestHeaderSettings:
    """The flags --requestheader-*; the CA is a bundle in PEM, no allowed names mean any."""

    client_ca: bytes
    allowed_names: tuple[str, ...] = ()
    username_headers: tuple[str, ...] = ("X-Remote-User",)
    uid_headers: tuple[str, ...] = ("X-Remote-Uid",)
    group_headers: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefixes: tuple[str, ...] = ("X-Remote-Extra-",)
    client_ca_file: Path | None = None  # where the CA is read again, if it may change


def roots_of(bundle: bytes) -> frozenset[bytes]:
    """Return the certificates of a bundle in PEM as DER. Raises ValueError."""
    return frozenset(one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(bundle))


class Roots:
    """The CAs of a bundle; its file is read again when a CA comes up that is not known yet.

    The TLS layer follows the same file: what it has stopped to trust never comes up.
    """

    def __init__(self, bundle: bytes, file: Path | None = None):
        self._known = roots_of(bundle) if bundle else frozenset[bytes]()
        self._file, self._stamp = file, modified(file)

    def knows(self, root: bytes) -> bool:
        """Return whether a CA is known without a look at the file."""
        return root in self._known

    def __contains__(self, root: object) -> bool:
        if root in self._known:
            return True
        stamp = modified(self._file)
        if self._file is None or stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._known = roots_of(self._file.read_bytes())
        except (OSError, ValueError) as error:
            _log.warning("%s cannot be read again: %s", self._file, error)
        return root in self._known


class RequestHeaderAuthenticator:
    """Believes the headers of a proxy it knows."""

    def __init__(self, settings: RequestHeaderSettings, clock: Clock):
        self._settings, self._roots = settings, Roots(settings.client_ca, settings.client_ca_file)
        self._certificates = X509Authenticator(clock)

    async def authenticate(self, credentials: Credentials) -> User | None:
        if credentials.certificate is None or not self._is_proxy(credentials):
            return None
        proxy = await self._certificates.authenticate(credentials)
        allowed = self._settings.allowed_names
        if proxy is None or (allowed and proxy.name not in allowed):
            raise Unauthorized("Unauthorized")
        return user_in(credentials.headers, self._settings)

    def _is_proxy(self, credentials: Credentials) -> bool:
        """Return whether a certificate is a proxy's; the file is looked at only for who speaks for somebody else.

        Nearly all requests are users' own, and a look at a file costs as much as a tenth of a GET.
        """
        if any(name in credentials.headers for name in self._settings.username_headers):
            return credentials.root in self._roots
        return self._roots.knows(credentials.root)


def user_in(headers: Mapping[str, str], settings: RequestHeaderSettings) -> User | None:
    """Return the user that headers name, None if they name none."""
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in headers.items():
        values[name.lower()].append(value)
    name = _first(values, settings.username_headers)
    if not name:
        return None
    groups = [group for header in settings.group_headers for group in values.get(header.lower(), ())]
    extra: dict[str, tuple[str, ...]] = {}
    for prefix in map(str.lower, settings.extra_prefixes):
        for header, found in values.items():
            if header.startswith(prefix):
                key = unquote(header.removeprefix(prefix))
                extra[key] = (*extra.get(key, ()), *found)
    return User(name, _first(values, settings.uid_headers), tuple(groups), extra)


def _first(values: Mapping[str, list[str]], headers: tuple[str, ...]) -> str:
    return next((text for header in headers for one in values.get(header.lower(), ()) if (text := one.strip())), "")
