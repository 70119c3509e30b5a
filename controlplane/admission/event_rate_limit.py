"""EventRateLimit: how many events a server, a namespace, a user or one source of them may write.

Each limit is a bucket of `burst` tokens that fills with `qps` a second; where there are many, the least used ones are
forgotten, and begin full again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document
from controlplane.api.status import TooManyRequests
from controlplane.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class EventLimit:
    """One limit of the configuration."""

    type: str  # Server, Namespace, User, SourceAndObject
    qps: float
    burst: int
    cache_size: int = 4096


class EventRateLimit(Plugin):
    """Every limit is asked, so that each knows of every event; one that says no refuses it."""

    name = "EventRateLimit"
    looks_at = frozenset({"events"})

    def __init__(self, limits: Sequence[EventLimit], clock: Clock):
        self._limits = [_Buckets(limit, clock) for limit in limits]

    async def validate(self, attributes: Attributes) -> None:
        if attributes.document is None or not attributes.is_for("events", Operation.CREATE, Operation.UPDATE):
            return
        refused = [one for one in self._limits if not one.take(one.key(attributes))]
        if refused:
            last = refused[-1]
            raise TooManyRequests(f"limit reached on type {last.limit.type} for key {last.key(attributes)}")


class _Buckets:
    """The buckets of one limit: tokens left, and when that was."""

    def __init__(self, limit: EventLimit, clock: Clock):
        self.limit, self._clock = limit, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def key(self, attributes: Attributes) -> str:
        return KEYS[self.limit.type](attributes)

    def take(self, key: str) -> bool:
        """Take a token; return whether there was one."""
        now = self._clock.monotonic()
        left, since = self._left.pop(key, (float(self.limit.burst), now))
        left = min(float(self.limit.burst), left + (now - since) * self.limit.qps)
        enough = left >= 1
        self._left[key] = (left - 1 if enough else left, now)
        while len(self._left) > self.limit.cache_size:
            self._left.popitem(last=False)
        return enough


def _source_and_object(attributes: Attributes) -> str:
    event: Document = attributes.document or {}
    source, about = event.get("source") or {}, event.get("involvedObject") or {}
    parts = [source.get(name) for name in ("component", "host")]
    parts += [about.get(name) for name in ("kind", "namespace", "name", "uid", "apiVersion")]
    return "".join(part or "" for part in parts)


KEYS: dict[str, Callable[[Attributes], str]] = {
    "Server": lambda _: "",
    "Namespace": lambda attributes: attributes.namespace,
    "User": lambda attributes: attributes.user.name,
    "SourceAndObject": _source_and_object,
}
