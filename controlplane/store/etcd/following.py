"""A watch that survives its connection: it goes on, elsewhere if need be, behind the last event that was seen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence

import grpc.aio

from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.store.errors import StoreClosed, StoreUnavailable
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.connection import Connection, Stream, translate
from controlplane.store.etcd.root import Root
from controlplane.store.interface import Compacted, Entry, Event, StoreError

log = logging.getLogger(__name__)

_RETRY = Backoff(0.05, 1.0)


class Follower:
    """Begins watches, and ends them when the store is closed."""

    def __init__(self, connection: Connection, root: Root, clock: Clock):
        self._connection, self._root, self._clock = connection, root, clock
        self._streams: set[Stream] = set()
        self._closed = False

    def close(self) -> None:
        self._closed = True
        for stream in self._streams:
            stream.cancel()

    async def follow(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        """Yield the events below a prefix, as `Store.watch` promises."""
        attempt = 0
        while True:
            turn = self._connection.turn
            try:
                async for events in self._conversation(prefix, after):
                    after, attempt = events[-1].revision, 0
                    yield events
            except StoreUnavailable as error:
                log.log(logging.DEBUG if attempt else logging.WARNING, "store: the watch was interrupted: %s", error)
            if self._closed:
                raise StoreClosed
            self._connection.give_up(turn)
            await self._clock.sleep(_RETRY.delay(attempt))
            attempt += 1

    async def _conversation(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        """Yield what one stream brings; it ends with the stream. Raises Compacted, StoreUnavailable."""
        if self._closed:
            raise StoreClosed
        stream = self._connection.stream("Watch/Watch", pb.WatchResponse)
        self._streams.add(stream)
        try:
            await stream.write(pb.WatchRequest(create_request=self._request(prefix, after)))
            fragments: list[pb.Event] = []
            while isinstance(answer := await stream.read(), pb.WatchResponse):
                if answer.canceled:
                    raise _ended(answer)
                fragments += answer.events
                if answer.fragment:
                    continue
                events, fragments = [*self._events(fragments, after)], []
                if events:
                    yield events
        except grpc.aio.AioRpcError as error:
            raise translate(error, self._connection.member) from error
        except asyncio.CancelledError:
            if self._closed:  # it was the stream that was cancelled, not who reads it
                raise StoreClosed from None
            raise
        except asyncio.InvalidStateError as error:  # written to after its end
            raise StoreUnavailable(f"the watch ended: {error}") from error
        finally:
            self._streams.discard(stream)
            stream.cancel()

    def _request(self, prefix: str, after: int) -> pb.WatchCreateRequest:
        """Return a watch that begins with what was seen last.

        An etcd serves a watch that starts at the very revision of a compaction, although a deletion at it may be gone.
        So the watch starts one earlier, and what has been seen is left out.
        """
        key, range_end = self._root.range(prefix)
        if not prefix:
            # All keys, ours or not: then every revision brings an event, and how far the watch has come is known
            # without asking. (The progress notifications of etcd before 3.4.25 may overtake events.)
            key, range_end = b"\0", b"\0"
        return pb.WatchCreateRequest(
            key=key,
            range_end=range_end,
            start_revision=max(after, 1),
            prev_kv=True,
            fragment=True,
            progress_notify=True,
        )

    def _events(self, events: Sequence[pb.Event], after: int) -> Iterator[Event]:
        last = 0
        for one in events:
            revision = one.kv.mod_revision
            if revision <= after:
                continue
            key = self._root.here(one.kv.key)
            if key is not None:
                yield _event(key, one)
                last = revision
        if events and (newest := events[-1].kv.mod_revision) > max(after, last):
            yield Event("", None, newest, 0)  # somebody else's: nothing of ours is missing up to there


def _event(key: str, one: pb.Event) -> Event:
    kv, previous = one.kv, one.prev_kv if one.HasField("prev_kv") else None
    deleted = one.type == pb.Event.DELETE
    return Event(
        key,
        None if deleted else kv.value,
        kv.mod_revision,
        0 if deleted else kv.create_revision,
        previous.value if previous else None,
        None if deleted else entry_of(kv),
        entry_of(previous) if previous else None,
    )


def entry_of(kv: pb.KeyValue) -> Entry:
    return Entry(kv.mod_revision, kv.create_revision, kv.version, kv.lease)


def _ended(answer: pb.WatchResponse) -> StoreError:
    if answer.compact_revision:
        return Compacted(answer.compact_revision)
    return StoreUnavailable(f"the watch was cancelled: {answer.cancel_reason or 'no reason given'}")
