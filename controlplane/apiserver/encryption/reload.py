"""--encryption-provider-config-automatic-reload: follow the file, so that keys change without a restart."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from controlplane.apiserver.encryption.ciphers import Entropy
from controlplane.apiserver.encryption.configuration import ConfigurationError, Rules, load
from controlplane.apiserver.encryption.transformers import Transformers
from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

_PERIOD = 60.0  # seconds between two looks at the file, as upstream's


@dataclass(frozen=True, slots=True)
class EncryptionSettings:
    """A file that has been read: its rules, and whether to go on looking at it."""

    file: Path
    rules: Rules
    content_hash: str
    entropy: Entropy
    follow: bool = False


def read_settings(file: Path, entropy: Entropy, *, follow: bool = False) -> EncryptionSettings:
    """Return what a file says now. Raises OSError, ConfigurationError."""
    text = file.read_bytes()
    return EncryptionSettings(file, load(text, str(file), entropy), content_hash(text), entropy, follow)


class Reloader:
    """Puts a changed file's rules in force; one that cannot be used leaves those that are."""

    def __init__(self, settings: EncryptionSettings, transformers: Transformers, clock: Clock, metrics: ReloadMetrics):
        self._settings, self._transformers, self._clock, self._metrics = settings, transformers, clock, metrics
        self._seen = settings.content_hash

    async def run(self) -> None:
        """Look at the file again and again, until cancelled."""
        while True:
            await self._clock.sleep(_PERIOD)
            self.look()

    def look(self) -> None:
        """Read the file; if it changed, use it."""
        file = self._settings.file
        try:
            text = file.read_bytes()
            if (found := content_hash(text)) == self._seen:
                return
            rules = load(text, str(file), self._settings.entropy)
        except (OSError, ConfigurationError) as error:
            _log.error("error processing encryption config file %s: %s", file, error)
            self._metrics.reloaded("failure", self._clock)
            return
        self._transformers.replace(rules)
        self._seen = found
        self._metrics.reloaded("success", self._clock)
        self._metrics.in_force(found)
        _log.info("encryption at rest follows the changed file %s", file)


def content_hash(text: bytes) -> str:
    """Return a file's content as metrics show it: sha256:…"""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


class ReloadMetrics:
    """What an administrator watches before the old key is thrown away."""

    def __init__(self, registry: CollectorRegistry, server_id: str):
        self._server = content_hash(server_id.encode())
        controller = "apiserver_encryption_config_controller"
        self._reloads = Counter(
            f"{controller}_automatic_reloads",
            "Changed encryption configurations, by whether they could be used.",
            ["status", "apiserver_id_hash"],
            registry=registry,
        )
        self._last = Gauge(
            f"{controller}_automatic_reload_last_timestamp_seconds",
            "When the last one was taken up or refused.",
            ["status", "apiserver_id_hash"],
            registry=registry,
        )
        self._info = Gauge(
            f"{controller}_last_config_info",
            "The configuration in force, by its hash.",
            ["apiserver_id_hash", "hash"],
            registry=registry,
        )

    def reloaded(self, status: str, clock: Clock) -> None:
        self._reloads.labels(status, self._server).inc()
        self._last.labels(status, self._server).set(clock.now().timestamp())

    def in_force(self, hash_: str) -> None:
        self._info.clear()
        self._info.labels(self._server, hash_).set(1)
