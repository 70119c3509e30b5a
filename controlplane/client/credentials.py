"""What a client shows to be believed, read again when its files change."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from controlplane.kit.explained import Explained

TokenSource: TypeAlias = Callable[[], str]
"""Returns the bearer token to send now; "" sends none."""


class BadCredentials(Explained):
    """A certificate, key or token cannot be used; the message names the file or field."""


def no_token() -> str:
    """The token source of a client that shows a certificate, or nothing."""
    return ""


@dataclass(frozen=True, slots=True)
class Material:
    """PEM text, kept in a file or held in memory."""

    path: str = ""
    data: bytes = b""

    def __bool__(self) -> bool:
        return bool(self.path or self.data)

    def read(self) -> bytes:
        try:
            return self.data or Path(self.path).read_bytes()
        except OSError as error:
            raise BadCredentials(f"cannot read {self.path}: {error.strerror}") from error

    def version(self) -> tuple[int, int]:
        """Return something that changes whenever the file is replaced."""
        if self.data or not self.path:
            return (0, 0)
        try:
            found = Path(self.path).stat()
        except OSError as error:
            raise BadCredentials(f"cannot read {self.path}: {error.strerror}") from error
        return (found.st_mtime_ns, found.st_ino)


NOTHING = Material()


class TlsSource:
    """Makes the TLS context of a client, and a new one once any file behind it changed."""

    def __init__(
        self,
        *,
        ca: Material = NOTHING,
        certificate: Material = NOTHING,
        key: Material = NOTHING,
        verify: bool = True,
    ):
        self._ca, self._certificate, self._key, self._verify = ca, certificate, key, verify
        self._made: tuple[object, ssl.SSLContext] | None = None

    def context(self) -> ssl.SSLContext:
        version = (self._ca.version(), self._certificate.version(), self._key.version())
        if self._made is None or self._made[0] != version:
            self._made = (version, self._make())
        return self._made[1]

    def _make(self) -> ssl.SSLContext:
        try:
            cadata = self._ca.read().decode() if self._ca else None
            context = ssl.create_default_context(cadata=cadata)
            if not self._verify:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if self._certificate:
                load_chain(context, self._certificate.read(), self._key.read())
        except (ssl.SSLError, ValueError) as error:
            raise BadCredentials(f"the TLS credentials are not usable: {error}") from error
        return context


def load_chain(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a certificate and key held in memory; OpenSSL wants a file, so it gets one that is on no disk."""
    descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, certificate + b"\n" + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


class TokenFile:
    """The token in a file, which its issuer replaces before it expires."""

    def __init__(self, path: str):
        self._file = Material(path=path)
        self._read: tuple[tuple[int, int], str] | None = None

    def __call__(self) -> str:
        version = self._file.version()
        if self._read is None or self._read[0] != version:
            self._read = (version, self._file.read().decode().strip())
        return self._read[1]
