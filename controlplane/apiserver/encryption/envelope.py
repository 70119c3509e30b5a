"""Which provider and which key a stored value is for: its prefix says it.

    k8s:enc:aescbc:v1: key1: <IV and ciphertext>      provider, name of the key, what the cipher made
    {"apiVersion":"v1",…                              identity: not encrypted

The first key of the first provider seals. To open, every provider whose prefix fits is tried, for two may share one
while a key is being replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from controlplane.api.configuration import aggregate
from controlplane.apiserver.encryption.ciphers import Sealing, Undecipherable

ENCRYPTED = b"k8s:enc:"  # with which everything begins that any provider, of any version, has sealed


@dataclass(frozen=True, slots=True)
class Opened:
    """A value, the prefix of the provider that opened it, and whether the next write should seal it anew."""

    value: bytes
    prefix: str
    stale: bool


class Provider(Protocol):
    """One way to seal, with all its keys."""

    prefix: bytes

    def seal(self, value: bytes, place: bytes) -> bytes: ...

    def open(self, sealed: bytes, place: bytes) -> tuple[bytes, bool]:
        """Return the value and whether the key is not the first. Raises Undecipherable."""


class Keyed:
    """A cipher with named keys."""

    def __init__(self, prefix: bytes, keys: Sequence[tuple[str, Sealing]], called: str):
        self.prefix, self._called = prefix, called
        self._keys = [(f"{name}:".encode(), key) for name, key in keys]

    def seal(self, value: bytes, place: bytes) -> bytes:
        name, key = self._keys[0]
        return name + key.seal(value, place)

    def open(self, sealed: bytes, place: bytes) -> tuple[bytes, bool]:
        problems = []
        for position, (name, key) in enumerate(self._keys):
            if sealed.startswith(name):
                try:
                    return key.open(sealed[len(name) :], place), position > 0
                except Undecipherable as error:
                    problems.append(str(error))
        raise Undecipherable(
            aggregate(problems) or f"no matching key was found for the provided {self._called} transformer"
        )


class Identity:
    """Leaves values as they are, and refuses to take a sealed one for an object."""

    prefix = b""

    def seal(self, value: bytes, place: bytes) -> bytes:
        return value

    def open(self, sealed: bytes, place: bytes) -> tuple[bytes, bool]:
        if sealed.startswith(ENCRYPTED):
            raise Undecipherable("identity transformer tried to read encrypted data")
        return sealed, False


class Transformer:
    """The providers of one resource, in order."""

    def __init__(self, providers: Sequence[Provider]):
        self._providers = tuple(providers)
        self.prefix = self._providers[0].prefix.decode() or "identity"

    def seal(self, value: bytes, place: str) -> bytes:
        """Return what to store at the key `place`."""
        first = self._providers[0]
        return first.prefix + first.seal(value, place.encode())

    def open(self, stored: bytes, place: str) -> Opened:
        """Return the value stored at `place`. Raises Undecipherable."""
        problems = []
        for position, provider in enumerate(self._providers):
            if not stored.startswith(provider.prefix):
                continue
            try:
                value, stale = provider.open(stored[len(provider.prefix) :], place.encode())
            except Undecipherable as error:
                if provider.prefix:  # identity only says that this one is not its own
                    problems.append(str(error))
                continue
            return Opened(value, provider.prefix.decode() or "identity", stale or position > 0)
        raise Undecipherable(aggregate(problems) or "no matching prefix found")
