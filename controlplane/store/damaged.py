"""What could be read of a store that is damaged, to be looked at until a backup is restored. Nothing can be written."""

from __future__ import annotations

from controlplane.kit.clock import Clock
from controlplane.store.errors import StoreCorrupt
from controlplane.store.interface import Decision, Index, Write
from controlplane.store.memory import MemoryStore


class DamagedStore(MemoryStore):
    """Made by `holding`; `reason` is then set, and said to whoever writes."""

    def __init__(self, clock: Clock):
        super().__init__(clock)
        self.reason = ""

    async def put(self, key: str, value: bytes, *, expected: int | None, ttl: int = 0) -> int:
        raise StoreCorrupt(self.reason)

    async def delete(self, key: str, *, expected: int | None) -> int:
        raise StoreCorrupt(self.reason)

    async def commit(self, decide: Decision) -> int:
        def refuse_writes(index: Index) -> list[Write]:
            if decide(index):
                raise StoreCorrupt(self.reason)
            return []

        return await super().commit(refuse_writes)

    async def compact(self, revision: int) -> None:
        raise StoreCorrupt(self.reason)

    async def keep_lease(self, lease: int, ttl: int) -> None:
        raise StoreCorrupt(self.reason)
