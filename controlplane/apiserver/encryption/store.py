"""A store whose values are sealed below and plain above.

A value that cannot be opened comes back as `Sealed`, still sealed and with the reason: one bad value must not keep
anybody from all the others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from controlplane.apiserver.cached_object import Sealed
from controlplane.apiserver.encryption.ciphers import Undecipherable
from controlplane.apiserver.encryption.transformers import Transformers
from controlplane.store.interface import Event, Page, Record, RevisionMismatch, Store


class EncryptedStore:
    """Passes everything on to `store`, sealing and opening what a rule names."""

    def __init__(self, store: Store, transformers: Transformers):
        self._store, self.transformers = store, transformers
        self.revision, self.compact, self.close = store.revision, store.compact, store.close

    async def get(self, key: str) -> Record | None:
        record = await self._store.get(key)
        return None if record is None else self._record(record)

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: int = 0) -> Page:
        page = await self._store.list(prefix, limit=limit, start_after=start_after, revision=revision)
        return Page([self._record(record) for record in page.records], page.revision, page.remaining)

    async def put(self, key: str, value: bytes, *, expected: int | None, ttl: int = 0) -> int:
        transformer = self.transformers.of(key)
        sealed = value if transformer is None else transformer.seal(value, key)
        try:
            return await self._store.put(key, sealed, expected=expected, ttl=ttl)
        except RevisionMismatch as error:
            raise self._mismatch(error) from error

    async def delete(self, key: str, *, expected: int | None) -> int:
        try:
            return await self._store.delete(key, expected=expected)
        except RevisionMismatch as error:
            raise self._mismatch(error) from error

    async def watch(self, prefix: str, *, after: int) -> AsyncIterator[Sequence[Event]]:
        async with aclosing(cast(Any, self._store.watch(prefix, after=after))) as batches:
            async for batch in batches:
                yield [self._event(event) for event in batch]

    async def is_stale(self, key: str) -> bool:
        """Return whether the value at `key` would be stored otherwise if it were written now, unchanged."""
        transformer = self.transformers.of(key)
        if transformer is None:
            return False
        record = await self._store.get(key)
        try:
            return record is not None and transformer.open(record.value, key).stale
        except Undecipherable:
            return False  # what cannot be read is not to be overwritten by accident

    def _record(self, record: Record) -> Record:
        value = self._opened(record.key, record.value)
        return record if value is record.value else replace(record, value=value)

    def _event(self, event: Event) -> Event:
        if event.value is None:
            return event
        value = self._opened(event.key, event.value)
        # Nobody asks for what was there before: the watch cache has it.
        return event if value is event.value else replace(event, value=value, previous=None)

    def _opened(self, key: str, stored: bytes) -> bytes:
        transformer = self.transformers.of(key)
        if transformer is None:
            return stored
        try:
            return transformer.open(stored, key).value
        except Undecipherable as error:
            return Sealed(stored, str(error))

    def _mismatch(self, error: RevisionMismatch) -> RevisionMismatch:
        actual = self._record(error.actual) if error.actual else None
        return RevisionMismatch(error.key, error.expected, actual)
