"""Events: what components tell users about objects, merged so that a storm becomes a count.

event() ─► spam filter ─► similar ones combined ─► exact repeats counted ─► POST or PATCH
           25 at once,     10 different messages     count, lastTimestamp
           then 1 in 5 min  in 10 min of one reason
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec

from controlplane.api.core_v1 import Event, EventSource, ObjectReference
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resources import resource_of
from controlplane.api.status import NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.event_correlation import Correlator, Occurrence
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time

_log = logging.getLogger(__name__)

# Upstream's broadcaster keeps 1,000 and drops what comes on top.
_QUEUE_LENGTH = 1000
_TRIES, _TRY_AGAIN_SECONDS = 12, 10.0
# Events of one object stay in order in one lane; lanes do not wait for each other.
_LANES = 4
# The longest message the API takes, in characters.
_MAX_MESSAGE = 1024


class EventRecorder:
    """Records events of one component; `event` never waits and never fails, `run` sends."""

    def __init__(self, client: Client, clock: Clock, component: str, *, host: str = "", instance: str = ""):
        self._client, self._clock = client, clock
        self._source = EventSource(component=component, host=host)
        self._instance = instance or host
        self._correlator = Correlator(clock)
        self._lanes: list[asyncio.Queue[_Send]] = [asyncio.Queue(_QUEUE_LENGTH) for _ in range(_LANES)]
        self._last_number = 0
        self._dropped = 0

    def event(
        self,
        obj: Any,
        type_: str,
        reason: str,
        message: str,
        *,
        action: str = "",
        related: Any = None,
        field_path: str = "",
    ) -> None:
        """Tell users about `obj` (an API object or an ObjectReference): type_ is "Normal" or "Warning"."""
        regarding = reference_to(obj, field_path)
        occurrence = self._correlator.correlate(
            (regarding.kind, regarding.namespace, regarding.name, regarding.uid, regarding.field_path, type_, reason),
            message[:_MAX_MESSAGE],
        )
        if occurrence is None:
            return
        event = self._render(regarding, type_, reason, occurrence, action, reference_to(related) if related else None)
        self._enqueue(_Send(event, occurrence))

    async def run(self) -> None:
        """Send what was recorded until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(self._drain(lane))

    async def _drain(self, lane: asyncio.Queue[_Send]) -> None:
        while True:
            await self._deliver(await lane.get())

    async def _deliver(self, send: _Send) -> None:
        for _ in range(_TRIES):
            try:
                await self._write(send)
                return
            except StatusError as error:
                # The server read it and said no: a namespace that goes away, a missing right. Again would not help.
                _log.info("event %s of %s dropped: %s", send.event.reason, send.event.metadata.name, error)
                return
            except Unreachable:
                await self._clock.sleep(_TRY_AGAIN_SECONDS)
        _log.warning("event %s of %s dropped: no server", send.event.reason, send.event.metadata.name)

    async def _write(self, send: _Send) -> None:
        occurrence, event = send.occurrence, send.event
        if occurrence.record.name:
            patch = {"count": event.count, "lastTimestamp": event.last_timestamp, "message": event.message}
            try:
                await self._client.patch(Event, occurrence.record.name, patch, event.metadata.namespace)
                return
            except NotFound:
                pass  # events live an hour; this one was gone, so it starts anew
        created = await self._client.create(event)
        occurrence.record.name = created.metadata.name

    def _render(
        self,
        regarding: ObjectReference,
        type_: str,
        reason: str,
        occurrence: Occurrence,
        action: str,
        related: ObjectReference | None,
    ) -> Event:
        namespace = regarding.namespace or "default"
        return Event(
            metadata=ObjectMeta(name=self._name(regarding), namespace=namespace),
            involved_object=regarding,
            related=related,
            type=type_,
            reason=reason,
            message=occurrence.message,
            action=action,
            count=occurrence.count,
            first_timestamp=format_time(occurrence.first),
            last_timestamp=format_time(self._clock.now()),
            source=self._source,
            reporting_component=self._source.component,
            reporting_instance=self._instance,
        )

    def _name(self, regarding: ObjectReference) -> str:
        """nginx.187a3f…: the time in nanoseconds, made unique when several fall into one tick of the clock."""
        now = int(self._clock.now().timestamp() * 1_000_000) * 1000
        self._last_number = max(now, self._last_number + 1)
        return f"{regarding.name}.{self._last_number:x}"

    def _enqueue(self, send: _Send) -> None:
        lane = self._lanes[
            zlib.crc32(
                send.event.metadata.namespace.encode() + (send.event.involved_object or ObjectReference()).name.encode()
            )
            % _LANES
        ]
        try:
            lane.put_nowait(send)
        except asyncio.QueueFull:
            self._dropped += 1
            if self._dropped % 100 == 1:
                _log.warning("%d events dropped: they come faster than the server takes them", self._dropped)


@dataclass(frozen=True, slots=True)
class _Send:
    event: Event
    occurrence: Occurrence


def reference_to(obj: Any, field_path: str = "") -> ObjectReference:
    """Return a reference to an API object, as events and bindings carry it."""
    if isinstance(obj, ObjectReference):
        return msgspec.structs.replace(obj, field_path=field_path) if field_path else obj
    resource, meta = resource_of(type(obj)), obj.metadata
    return ObjectReference(
        api_version=resource.api_version,
        kind=resource.kind,
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        field_path=field_path,
    )
