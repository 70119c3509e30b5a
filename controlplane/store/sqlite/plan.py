"""Which writes of a batch happen, and at which revision: compare-and-swap in the order of arrival."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable
from dataclasses import dataclass, field

from controlplane.store.keys import Entry, Keyspace
from controlplane.store.sqlite.packing import Row


@dataclass(slots=True, eq=False)
class Request:
    """One put or delete (`value` None) that waits for its answer."""

    key: str
    value: bytes | None
    expected: int | None
    expires: float | None
    answer: Future[int]


@dataclass(slots=True)
class Batch:
    """What one transaction writes, and what its writers are told once it is durable."""

    rows: list[Row] = field(default_factory=list)
    written: list[Request] = field(default_factory=list)  # one a row
    refused: list[tuple[Request, Entry | None]] = field(default_factory=list)  # with what the key is at instead

    @property
    def requests(self) -> list[Request]:
        return self.written + [request for request, _ in self.refused]

    def revisions_read(self) -> set[int]:
        """The revisions whose values the answers and events need and that the batch does not write itself."""
        wanted = {row.previous for row in self.rows} | {entry.revision for _, entry in self.refused if entry}
        return wanted - {row.revision for row in self.rows} - {0}


def decide(requests: Iterable[Request], keys: Keyspace, revision: int) -> Batch:
    """Decide each request as if those before it had been committed; `revision` is the newest there is."""
    batch = Batch()
    changed: dict[str, Entry | None] = {}
    for request in requests:
        key = request.key
        entry = changed[key] if key in changed else keys.get(key)
        if not _applies(request, entry):
            batch.refused.append((request, entry))
            continue
        revision += 1
        created = 0 if request.value is None else entry.create_revision if entry else revision
        previous = entry.revision if entry else 0
        changed[key] = Entry(revision, created) if created else None
        batch.rows.append(Row(revision, key, request.value, created, previous, request.expires))
        batch.written.append(request)
    return batch


def _applies(request: Request, entry: Entry | None) -> bool:
    if request.value is None and entry is None:
        return False  # there is nothing to delete
    return request.expected is None or request.expected == (entry.revision if entry else 0)
