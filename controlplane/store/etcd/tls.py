"""Mutual TLS on both sides: whom to believe, and who we are, from files."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import grpc

from controlplane.store.interface import StoreError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Files in PEM. Without `authority` the machine's own are believed; without a certificate none is shown."""

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Raises StoreError for a file that cannot be read."""
        return grpc.ssl_channel_credentials(
            root_certificates=_read(self.authority),
            private_key=_read(self.key),
            certificate_chain=_read(self.certificate),
        )

    def server_credentials(self) -> grpc.ServerCredentials:
        """Demand clients' certificates, and follow our own when it is renewed. Raises StoreError."""
        served, amiss = self._stamp(), ""

        def renewed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal served, amiss
            try:
                stamp = self._stamp()
                found = None if stamp == served else self._configuration()
            except StoreError as error:  # perhaps half written: the next handshake looks again
                if str(error) != amiss:
                    _log.warning("the serving certificate stays as it was: %s", error)
                amiss = str(error)
                return None
            served, amiss = stamp, ""
            return found

        return grpc.dynamic_ssl_server_credentials(self._configuration(), renewed, require_client_authentication=True)

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        pair = (_read(self.key), _read(self.certificate))
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=_read(self.authority))

    def _stamp(self) -> tuple[int, ...]:
        files = (self.certificate, self.key, self.authority)
        try:
            return tuple(file.stat().st_mtime_ns for file in files if file)
        except OSError as error:
            raise StoreError(f"cannot read {error.filename}: {error.strerror}") from error


def _read(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror}") from error
