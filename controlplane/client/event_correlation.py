"""Which events are new, which repeat, which are too many: upstream's rules and numbers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from controlplane.kit.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Subject: TypeAlias = tuple[str, ...]
"""kind, namespace, name, uid, field path, type, reason."""

_REMEMBERED = 4096  # subjects
_BURST, _REFILL_SECONDS = 25, 300.0  # events about one object
_SIMILAR, _SIMILAR_SECONDS = 10, 600.0  # different messages of one reason before they are combined


@dataclass(slots=True)
class Record:
    """What is known of one event on the server: its name once it was created."""

    first: datetime
    count: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event to send: create it, or patch it if its record has a name."""

    message: str
    count: int
    first: datetime
    record: Record


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


@dataclass(slots=True)
class _Similar:
    last: float
    messages: set[str] = field(default_factory=set)


class Correlator:
    """Remembers recent events. Pure but for the clock."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._buckets: _Recent[Subject, _Bucket] = _Recent()
        self._similar: _Recent[Subject, _Similar] = _Recent()
        self._records: _Recent[tuple[Subject, str], Record] = _Recent()

    def correlate(self, subject: Subject, message: str) -> Occurrence | None:
        """Return what to send for this event, or None when the object already had too many."""
        if not self._has_token(subject[:4]):
            return None
        key, text = (subject, message), message
        if self._too_many_similar(subject, message):
            key, text = (subject, ""), f"(combined from similar events): {message}"
        record = self._records.get(key) or self._records.put(key, Record(first=self._clock.now()))
        record.count += 1
        return Occurrence(text, record.count, record.first, record)

    def _has_token(self, about: Subject) -> bool:
        now = self._clock.monotonic()
        bucket = self._buckets.get(about) or self._buckets.put(about, _Bucket(_BURST, now))
        bucket.tokens = min(_BURST, bucket.tokens + (now - bucket.filled) / _REFILL_SECONDS)
        bucket.filled = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _too_many_similar(self, subject: Subject, message: str) -> bool:
        now = self._clock.monotonic()
        similar = self._similar.get(subject)
        if similar is None or now - similar.last > _SIMILAR_SECONDS:
            similar = self._similar.put(subject, _Similar(now))
        similar.last = now
        if len(similar.messages) >= _SIMILAR:
            return message not in similar.messages
        similar.messages.add(message)
        return len(similar.messages) >= _SIMILAR


class _Recent(Generic[K, V]):
    """A map that forgets what was not used for longest."""

    def __init__(self) -> None:
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: K, value: V) -> V:
        self._values[key] = value
        if len(self._values) > _REMEMBERED:
            self._values.popitem(last=False)
        return value
