"""WATCH: what changes in a collection, as it changes.

A watch reads the resource's EventLog from its own position. For a watcher with a selector, an object that begins to
match is ADDED and one that ceases to is DELETED, whatever happened to it in the store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec

from controlplane.api.codec import Document, encode
from controlplane.api.status import Expired, StatusError
from controlplane.apiserver.answers import partial, shown_as, table_of
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.event_log import Change, TooOld
from controlplane.apiserver.messages import Answer, Stream
from controlplane.apiserver.negotiation import PARTIAL, PROTOBUF, TABLE, YAML, Representation, not_acceptable
from controlplane.apiserver.options import ListOptions, list_options
from controlplane.apiserver.selection import Scope, scope_of, wait_for
from controlplane.apiserver.streams import messages
from controlplane.apiserver.watch_cache import Watcher
from controlplane.kit.clock import Clock

_BATCH = 256  # changes encoded between two sends
_BOOKMARK = 60.0  # seconds between bookmarks, as upstream's
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a watch begins: objects to show first, then everything from a position of the log on."""

    position: int
    initial: Sequence[CachedObject] = ()
    mark_end: bool = False  # say when all initial objects have been sent
    revision: int = 0


async def watch(call: Call) -> Answer:
    """Answer with a stream of events."""
    options = list_options(call.request.query, watching=True)
    shown = shown_as(call, PARTIAL)
    over_websocket = messages.wants_websocket(call.request.headers)
    if shown.media_type == YAML or (over_websocket and shown.media_type == PROTOBUF):
        raise not_acceptable(("application/json", "application/json;stream=watch"))
    scope = scope_of(call.storage, call.info.namespace, options)
    start = await _start(scope, options, call.backend.clock)
    seconds = options.timeout_seconds or call.backend.shortest_watch * (1 + call.backend.random.random())
    content_type = f"{PROTOBUF};stream=watch" if shown.media_type == PROTOBUF else shown.media_type
    stream = Stream(200, _Watch(call, scope, shown, options).events(start, seconds), content_type)
    return messages.events(stream, call.request.headers) if over_websocket else stream


async def _start(scope: Scope, options: ListOptions, clock: Clock) -> Start:
    """Return where to begin. Raises Expired, Timeout."""
    cache, version = scope.storage.watch_cache, options.resource_version
    initial_wanted = options.send_initial_events
    if initial_wanted is None:
        initial_wanted = version in ("", "0")
    if not version:
        if options.send_initial_events:
            await cache.fresh()
    elif version != "0":
        await wait_for(scope.storage, int(version), clock)
    log = scope.storage.cache.log
    if not initial_wanted and version not in ("", "0"):
        try:
            return Start(log.position_after(int(version)), revision=int(version))
        except TooOld as error:
            raise _too_old(int(version), error.oldest) from error
    if initial_wanted:
        scope.storage.refuse_unreadable(scope.directory)
    held = scope.storage.cache.list(scope.directory) if initial_wanted else ()
    await scope.storage.ready(held)
    items = scope.select(held)
    return Start(log.end, items, bool(options.send_initial_events and options.allow_watch_bookmarks), cache.revision)


def _too_old(wanted: int, oldest: int) -> Expired:
    return Expired(f"too old resource version: {wanted} ({oldest})")


class _Watch:
    """One watcher's view of the log."""

    def __init__(self, call: Call, scope: Scope, shown: Representation, options: ListOptions):
        self._call, self._scope, self._form = call, scope, shown.form
        self._storage, self._protobuf = scope.storage, shown.media_type == PROTOBUF
        self._cache, self._log = scope.storage.cache, scope.storage.cache.log
        self._clock = call.backend.clock
        self._bookmarks = options.allow_watch_bookmarks
        self._headers_sent = False  # a Table names its columns in the first event only

    async def events(self, start: Start, seconds: float) -> AsyncIterator[bytes]:
        """Yield encoded events until the watch's time is over or it can no longer follow."""
        end = self._clock.monotonic() + seconds
        yield b""  # the answer's head goes out now, not with the first event
        for first in range(0, len(start.initial), _BATCH):
            yield b"".join([self._line(b"ADDED", item) for item in start.initial[first : first + _BATCH]])
        if start.mark_end:
            yield self._bookmark(start.revision, initial_end=True)
        self._call.initialized()
        interest = None if self._scope.everything and not self._scope.directory else self._concerns
        with self._cache.watcher(start.position, interest) as watcher:
            try:
                async for lines in self._follow(watcher, end):
                    yield lines
            except TooOld as error:
                yield self._event("ERROR", _document_of(_too_old(start.revision, error.oldest)))
            except StatusError as error:
                # A webhook that converts does not answer: the client lists again.
                yield self._event("ERROR", _document_of(error))

    async def _follow(self, watcher: Watcher, end: float) -> AsyncIterator[bytes]:
        bookmark = self._clock.monotonic() + _BOOKMARK
        while True:
            changes = self._log.read(watcher.position, _BATCH)
            if changes:
                if self._storage.converts:
                    await self._storage.ready([one for change in changes for one in change.versions])
                lines = self._lines(changes, watcher.position)
                watcher.position += len(changes)
                if lines:
                    yield lines
                continue
            now = self._clock.monotonic()
            if now >= end or self._cache.closed:
                if self._bookmarks:
                    yield self._bookmark(self._storage.watch_cache.revision)  # so that the next watch begins here
                return
            if self._bookmarks and now >= bookmark:
                bookmark = now + _BOOKMARK
                yield self._bookmark(self._storage.watch_cache.revision)
                continue
            watcher.alarm = min(end, bookmark) if self._bookmarks else end
            await watcher.wait()

    def _concerns(self, change: Change) -> bool:
        scope = self._scope
        if not change.object.key.startswith(scope.directory):
            return False
        previous = change.previous
        return scope.everything or scope.matches(change.object) or (previous is not None and scope.matches(previous))

    def _lines(self, changes: Sequence[Change], position: int) -> bytes:
        scope = self._scope
        if self._form or self._protobuf or self._storage.converts or not scope.everything:
            return b"".join([line for change in changes if (line := self._line_of(change))])
        return self._cache.lines(scope.directory, position, changes)

    def _line_of(self, change: Change) -> bytes:
        """Return the event that this watcher sees of a change, if any."""
        if not change.object.key.startswith(self._scope.directory):
            return b""
        now = change.type != b"DELETED" and self._scope.matches(change.object)
        before = change.previous is not None and self._scope.matches(change.previous)
        if now:
            return self._line(b"MODIFIED" if before else b"ADDED", change.object)
        if not before or change.previous is None:
            return b""
        # What ceases to match is shown as it last matched, with the version at which it ceased.
        return self._line(b"DELETED", change.previous.at(change.revision))

    def _line(self, type_: bytes, item: CachedObject) -> bytes:
        if self._form or self._protobuf:
            return self._event(type_.decode(), self._formed(item))
        return b'{"type":"%s","object":%s%s}\n' % (type_, self._storage.open, self._storage.tail(item))

    def _event(self, type_: str, document: Document) -> bytes:
        if self._protobuf:
            from controlplane.api.protobuf import encode_event

            return encode_event(type_, document)
        return encode({"type": type_, "object": document}) + b"\n"

    def _formed(self, item: CachedObject) -> Document:
        if not self._form:
            return self._storage.document(item)
        if self._form == PARTIAL:
            return partial(self._storage.document(item))
        table = table_of(self._call, [item], headers=not self._headers_sent)
        self._headers_sent = True
        return table

    def _bookmark(self, revision: int, *, initial_end: bool = False) -> bytes:
        metadata: Document = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial_end:
            metadata["annotations"] = {_INITIAL_EVENTS_END: "true"}
        resource = self._storage.resource
        return self._event("BOOKMARK", self._bookmark_object(resource.kind, metadata))

    def _bookmark_object(self, kind: str, metadata: Document) -> Document:
        if self._form == TABLE:
            row = {"cells": [], "object": {"kind": PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": metadata}}
            version = {"resourceVersion": metadata["resourceVersion"]}
            return {
                "kind": TABLE,
                "apiVersion": "meta.k8s.io/v1",
                "metadata": version,
                "columnDefinitions": [],
                "rows": [row],
            }
        if self._form == PARTIAL:
            return {"kind": PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
        return {"kind": kind, "apiVersion": self._storage.resource.api_version, "metadata": metadata}


def _document_of(error: StatusError) -> Document:
    document: Document = msgspec.json.decode(encode(error.to_status()))
    return document
