"""The encryption configuration as a server is given it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from controlplane.apiserver.encryption.ciphers import Entropy
from controlplane.apiserver.encryption.configuration import Rules, load
from controlplane.apiserver.encryption.store import EncryptedStore
from controlplane.apiserver.encryption.transformers import Transformers
from controlplane.apiserver.reload import Followed, content_hash
from controlplane.kit.clock import Clock
from controlplane.store.interface import Store


@dataclass(frozen=True, slots=True)
class EncryptionSettings:
    """A file that has been read: its rules, and whether to go on looking at it."""

    file: Path
    rules: Rules
    content_hash: str
    entropy: Entropy
    follow: bool = False  # --encryption-provider-config-automatic-reload

    def over(self, store: Store, registry: CollectorRegistry, clock: Clock) -> tuple[Store, Sequence[Followed]]:
        """Return a store that keeps everything in `store`, sealed as the file says, and what follows the file."""
        transformers = Transformers(self.rules, registry, clock)
        return EncryptedStore(store, transformers), [self._followed(transformers)] if self.follow else []

    def _followed(self, transformers: Transformers) -> Followed:
        """Return how `transformers` follow the file, so that keys change without a restart."""

        def use(text: bytes) -> None:
            transformers.replace(load(text, str(self.file), self.entropy))

        return Followed(self.file, self.content_hash, "encryption_config", use)


def read_settings(file: Path, entropy: Entropy, *, follow: bool = False) -> EncryptionSettings:
    """Return what a file says now. Raises OSError, ConfigurationError."""
    text = file.read_bytes()
    return EncryptionSettings(file, load(text, str(file), entropy), content_hash(text), entropy, follow)
