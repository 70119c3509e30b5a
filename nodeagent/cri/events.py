"""containerd's event stream: a container's exit is known at once instead of at the next relist.

containerd 1.6 does not implement the CRI's GetContainerEvents; its own Subscribe is on the same socket. Events may be
missed while the connection is down, so whoever listens also lists now and then, and at every `Reconnected`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from nodeagent.cri import containerd_events_pb2 as pb
from nodeagent.cri.channel import Channel
from nodeagent.cri.errors import RuntimeFailure, Unavailable

_log = logging.getLogger(__name__)

_SUBSCRIBE = "/containerd.services.events.v1.Events/Subscribe"
# CRI containers live in containerd's namespace k8s.io; /tasks/ are processes.
_FILTERS = ('namespace==k8s.io,topic=="/tasks/exit"', 'namespace==k8s.io,topic=="/tasks/oom"')
_RETRY = Backoff(first=0.5, cap=5.0)  # a restart takes a second or two


@dataclass(frozen=True, slots=True)
class Exited:
    """A container's (or sandbox's) own process has ended."""

    container_id: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The kernel killed something in the container for want of memory."""

    container_id: str


@dataclass(frozen=True, slots=True)
class Reconnected:
    """Listening starts now: what happened before is not known."""


Event: TypeAlias = Exited | OutOfMemory | Reconnected


class RuntimeEvents:
    """Follows containerd for ever, through its restarts."""

    def __init__(self, channel: Channel, clock: Clock):
        self._channel, self._clock = channel, clock

    async def follow(self) -> AsyncIterator[Event]:
        failures = 0
        while True:
            yield Reconnected()
            try:
                stream = self._channel.stream(_SUBSCRIBE, pb.SubscribeRequest(filters=_FILTERS), pb.Envelope)
                async with aclosing(stream) as envelopes:  # type: ignore[type-var]
                    async for envelope in envelopes:
                        failures = 0
                        event = parse(envelope)
                        if event is not None:
                            yield event
            except Unavailable:
                pass  # down or restarting: the calls that need it report it
            except RuntimeFailure as failure:
                if not failures:
                    _log.error("containerd tells no events, so ends are seen seconds late: %s", failure)
            await self._clock.sleep(_RETRY.delay(failures))
            failures += 1


def parse(envelope: pb.Envelope) -> Event | None:
    """Return what an envelope says, or None: an exec'd process's exit is not the container's."""
    if envelope.topic == "/tasks/exit":
        ended = pb.TaskExit.FromString(envelope.event.value)
        return Exited(ended.container_id, ended.exit_status) if ended.id == ended.container_id else None
    if envelope.topic == "/tasks/oom":
        return OutOfMemory(pb.TaskOOM.FromString(envelope.event.value).container_id)
    return None
