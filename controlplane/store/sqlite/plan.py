"""Which writes of a batch happen, and at which revision: in the order of arrival."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable
from dataclasses import dataclass, field

from controlplane.store.interface import Decision, Entry
from controlplane.store.keys import Keyspace, Overlay
from controlplane.store.sqlite.packing import Row
from controlplane.store.sqlite.positions import position_of


@dataclass(slots=True, eq=False)
class Request:
    """One put or delete (`value` None) that waits for its answer."""

    key: str
    value: bytes | None
    expected: int | None
    expires: float | None
    answer: Future[int]


@dataclass(slots=True, eq=False)
class Transaction:
    """Several writes at one revision that wait for their answer."""

    decide: Decision
    answer: Future[int]


@dataclass(slots=True)
class Batch:
    """What one transaction of the database writes, and what the writers are told once it is durable."""

    rows: list[Row] = field(default_factory=list)
    entries: list[tuple[Entry | None, Entry | None]] = field(default_factory=list)  # a row: the key's, and before it
    done: list[tuple[Future[int], int]] = field(default_factory=list)  # with the revision
    refused: list[tuple[Request, Entry | None]] = field(default_factory=list)  # with what the key is at instead
    failed: list[tuple[Future[int], Exception]] = field(default_factory=list)

    @property
    def waiting(self) -> list[Future[int]]:
        """Who is told when the batch as a whole fails."""
        return [
            *(answer for answer, _ in self.done),
            *(request.answer for request, _ in self.refused),
            *(answer for answer, _ in self.failed),
        ]

    def positions_read(self) -> set[int]:
        """Where the values are that answers and events need and that the batch does not write itself."""
        wanted = {row.previous for row in self.rows} | {
            position_of(entry.revision, entry.place) for _, entry in self.refused if entry
        }
        return wanted - {row.position for row in self.rows} - {0}


def decide(requests: Iterable[Request | Transaction], keys: Keyspace, revision: int) -> Batch:
    """Decide each request as if those before it had been committed; `revision` is the newest there is."""
    batch, index = Batch(), Overlay(keys, revision)
    changed = index.changed
    for request in requests:
        if isinstance(request, Transaction):
            _transact(request, batch, index)
            continue
        key, value, expected = request.key, request.value, request.expected
        entry = changed[key] if key in changed else keys.get(key)
        if (expected is not None and expected != (entry.revision if entry else 0)) or (value is None and entry is None):
            batch.refused.append((request, entry))  # not at the revision, or nothing there to delete
            continue
        index.revision += 1
        _write(batch, index, key, value, 0, entry, request.expires, 0)
        batch.done.append((request.answer, index.revision))
    return batch


def _transact(transaction: Transaction, batch: Batch, index: Overlay) -> None:
    try:
        writes = transaction.decide(index)
    except Exception as error:  # raised where it was asked for
        batch.failed.append((transaction.answer, error))
        return
    if writes:
        index.revision += 1
    for place, (key, value, lease) in enumerate(writes):
        _write(batch, index, key, value, lease, index.get(key), None, place)
    batch.done.append((transaction.answer, index.revision))


def _write(
    batch: Batch,
    index: Overlay,
    key: str,
    value: bytes | None,
    lease: int,
    before: Entry | None,
    expires: float | None,
    place: int,
) -> None:
    revision = index.revision
    position = position_of(revision, place)
    previous, created, version = 0, revision, 1
    if before is not None:
        previous = position_of(before.revision, before.place)
        created, version = before.create_revision, before.version + 1
    if value is None:
        entry = None
        batch.rows.append(Row(position, key, None, 0, 0, previous, 0, None))
    else:
        entry = Entry(revision, created, version, lease, place)
        batch.rows.append(Row(position, key, value, created, version, previous, lease, expires))
    index.changed[key] = entry
    batch.entries.append((entry, before))
