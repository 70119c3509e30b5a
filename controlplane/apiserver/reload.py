"""Configuration files that take effect when they change: looked at again and again, used if they can be used."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge

from controlplane.kit.clock import Clock
from controlplane.kit.explained import Explained

_log = logging.getLogger(__name__)

Use: TypeAlias = Callable[[bytes], None]
"""Puts a file's content in force. Raises ValueError or Explained, and changes nothing, if it cannot be used."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A file whose content is in force already."""

    file: Path
    content_hash: str
    controller: str  # whose metrics count its changes: authentication_config, authorization_config, encryption_config
    use: Use
    period: float = 60.0  # seconds between two looks, as upstream's


def content_hash(text: bytes) -> str:
    """Return a file's content as metrics show it: sha256:…"""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


class Follower:
    """Puts a changed file in force; one that cannot be used leaves what was."""

    def __init__(self, followed: Followed, clock: Clock, metrics: ReloadMetrics):
        self._followed, self._clock, self._metrics = followed, clock, metrics
        self._seen = followed.content_hash
        metrics.in_force(self._seen)

    async def run(self) -> None:
        """Look at the file again and again, until cancelled."""
        while True:
            await self._clock.sleep(self._followed.period)
            self.look()

    def look(self) -> None:
        """Read the file; if it changed, use it."""
        file = self._followed.file
        try:
            text = file.read_bytes()
            if (found := content_hash(text)) == self._seen:
                return
            self._followed.use(text)
        except (OSError, ValueError, Explained) as error:
            _log.error("%s has changed and cannot be used; what was in force stays: %s", file, error)
            self._metrics.reloaded("failure", self._clock)
            return
        self._seen = found
        self._metrics.reloaded("success", self._clock)
        self._metrics.in_force(found)
        _log.info("%s has changed and is in force", file)


class ReloadMetrics:
    """What an administrator watches after changing a file."""

    def __init__(self, registry: CollectorRegistry, controller: str, server_id: str):
        self._server = content_hash(server_id.encode())
        prefix = f"apiserver_{controller}_controller"
        self._reloads = Counter(
            f"{prefix}_automatic_reloads",
            "Changed configurations, by whether they could be used.",
            ["status", "apiserver_id_hash"],
            registry=registry,
        )
        self._last = Gauge(
            f"{prefix}_automatic_reload_last_timestamp_seconds",
            "When the last one was taken up or refused.",
            ["status", "apiserver_id_hash"],
            registry=registry,
        )
        self._info = Gauge(
            f"{prefix}_last_config_info",
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
