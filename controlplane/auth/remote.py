"""Asking another server: what authenticators and authorizers need of HTTP, and how often they try.

An answer that says "not now" (500, 504, 429, or a connection that broke) is asked for again, up to five times with
growing pauses, as upstream does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

import msgspec

from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock

_ATTEMPTS = 5
_PAUSES = Backoff(first=0.5, cap=float("inf"), factor=1.5, jitter=0.2)  # upstream's, before the second attempt and on
_TRY_AGAIN = frozenset({429, 500, 504})


class Unanswering(Exception):
    """There was no answer, or none that can be used. `passing`: it may help to ask again."""

    def __init__(self, why: str, *, passing: bool = False, timed_out: bool = False):
        super().__init__(why)
        self.passing, self.timed_out = passing, timed_out


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes


Ask: TypeAlias = Callable[[bytes], Awaitable[Reply]]
"""Posts a JSON body to one webhook. Raises Unanswering."""


class Webhook:
    """A server that is sent a question as an object and answers with its status filled in."""

    def __init__(self, ask: Ask, clock: Clock, random: Random):
        self._ask, self._clock, self._random = ask, clock, random

    async def status(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the `status` of the answer. Raises Unanswering."""
        body = msgspec.json.encode(question)
        for attempt in range(_ATTEMPTS - 1):
            try:
                return await self._once(body)
            except Unanswering as error:
                if not error.passing:
                    raise
            await self._clock.sleep(_PAUSES.delay(attempt, self._random))
        return await self._once(body)

    async def _once(self, body: bytes) -> dict[str, Any]:
        reply = await self._ask(body)
        if not 200 <= reply.status < 300:
            why = f"the webhook answered {reply.status}: {reply.body[:200].decode(errors='replace')}"
            raise Unanswering(why, passing=reply.status in _TRY_AGAIN, timed_out=reply.status == 504)
        try:
            return msgspec.json.decode(reply.body, type=_Answer).status
        except msgspec.DecodeError as error:
            raise Unanswering(f"the webhook's answer cannot be read: {error}") from error


class _Answer(msgspec.Struct):
    status: dict[str, Any] = {}
