"""The certificates that the API server shows: which one to whom, and new ones when their files change.

Python offers one place to choose while a connection begins: the callback for the name that the client asked for (SNI),
which is called even if it asked for none. There the connection is given the context of the moment, so that nothing of
a changed file, client CA included, waits for a restart, and nothing of the connections that are open is touched.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from cryptography import x509

from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

_PERIOD = 60.0  # seconds between two looks at the files, as upstream's

Make: TypeAlias = Callable[[Path, Path], ssl.SSLContext]
"""Makes a context that shows a certificate and its key. Raises OSError, ssl.SSLError."""

MINIMUMS: Mapping[str, ssl.TLSVersion] = {
    "VersionTLS10": ssl.TLSVersion.TLSv1_2,  # what is older than 1.2 is not spoken here
    "VersionTLS11": ssl.TLSVersion.TLSv1_2,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}

# By Go's names. Those of TLS 1.3 cannot be chosen there either, and naming one is no mistake.
_GO_1_3 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
CIPHERS: Mapping[str, str] = {
    **dict.fromkeys(_GO_1_3, ""),
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}


def restricted(make: Make, minimum: str, ciphers: Sequence[str]) -> Make:
    """Return a maker of contexts with --tls-min-version and --tls-cipher-suites. Raises ValueError for unknown ones."""
    if minimum and minimum not in MINIMUMS:
        raise ValueError(f'unknown tls version "{minimum}"')
    if unknown := [name for name in ciphers if name not in CIPHERS]:
        raise ValueError(f"Cipher suite {unknown[0]} not supported or doesn't exist")
    chosen = ":".join(CIPHERS[name] for name in ciphers if CIPHERS[name])

    def made(certificate: Path, key: Path) -> ssl.SSLContext:
        context = make(certificate, key)
        if minimum:
            context.minimum_version = MINIMUMS[minimum]
        if chosen:
            context.set_ciphers(chosen)
        return context

    return made


@dataclass(frozen=True, slots=True)
class Named:
    """A certificate for some names; `*.example.com` is any one label below. Without names, those it is made out to."""

    certificate: Path
    key: Path
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Named:
        """Return what --tls-sni-cert-key says: certificate,key or certificate,key:name,name. Raises ValueError."""
        files, _, names = text.partition(":")
        certificate, comma, key = files.partition(",")
        if not comma or not certificate.strip() or not key.strip():
            raise ValueError(f"expected comma separated certificate and key file paths, not {text!r}")
        listed = tuple(name.strip().lower() for name in names.split(",") if name.strip())
        return cls(Path(certificate.strip()), Path(key.strip()), listed)


class ServingTls:
    """The context that a server listens with; each connection gets the one of its name, as of now."""

    def __init__(self, make: Make, default: Named, others: Sequence[Named] = (), watched: Sequence[Path] = ()):
        """Read every file. Raises OSError, ssl.SSLError. `watched` are files besides certificates: the client CA."""
        self._make, self._default, self._others = make, default, tuple(others)
        self._files = [path for one in (default, *others) for path in (one.certificate, one.key)] + list(watched)
        self._seen = self._versions()
        self.context = self._current = self._make(default.certificate, default.key)
        self._by_name = self._made_by_name()
        self.context.sni_callback = self._choose

    def _made_by_name(self) -> dict[str, ssl.SSLContext]:
        by_name: dict[str, ssl.SSLContext] = {}
        for one in self._others:
            context = self._make(one.certificate, one.key)
            for name in one.names or names_of(one.certificate.read_bytes()):
                by_name.setdefault(name, context)
        return by_name

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        wanted = self._current
        if name and self._by_name:
            lowered = name.lower()
            wildcard = f"*.{lowered.partition('.')[2]}"
            wanted = self._by_name.get(lowered) or self._by_name.get(wildcard) or wanted
        if wanted is not self.context:
            connection.context = wanted

    async def follow(self, clock: Clock) -> None:
        """Look at the files again and again, until cancelled."""
        while True:
            await clock.sleep(_PERIOD)
            self.look()

    def look(self) -> None:
        """Use changed files for the connections to come; those that cannot be used leave everything as it was."""
        try:
            if (found := self._versions()) == self._seen:
                return
            current, by_name = self._make(self._default.certificate, self._default.key), self._made_by_name()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            _log.warning("the serving certificates stay as they were: %s", error)
            return
        self._seen, self._current, self._by_name = found, current, by_name
        _log.info("the serving certificates and the client CA are loaded again")

    def _versions(self) -> list[tuple[int, int]]:
        """Return something that changes whenever one of the files is replaced."""
        return [(found.st_mtime_ns, found.st_ino) for found in (path.stat() for path in self._files)]


def names_of(pem: bytes) -> list[str]:
    """Return the DNS names that a certificate is made out to, else its common name. Raises ValueError."""
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        listed = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    except x509.ExtensionNotFound:
        listed = []
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return listed or [str(one.value).lower() for one in common]
