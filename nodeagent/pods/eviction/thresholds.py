"""Thresholds: how little may be left of something, what is met now, and which conditions of the node follow.

memory.available<100Mi       an amount                     memory.available<1Gi with a grace period of 1m30s: soft,
nodefs.available<10%         a share of the capacity       without: hard, acted on at once
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from controlplane.api import quantity
from controlplane.kit.durations import parse_duration


class Signal(StrEnum):
    """What is looked at. imagefs is where images and the containers' writable layers lie, nodefs all else of pods.

    allocatableMemory is what is left to all pods together of what is not reserved, while the node may have more.
    """

    MEMORY = "memory.available"
    POD_MEMORY = "allocatableMemory.available"
    NODE_DISK = "nodefs.available"
    NODE_INODES = "nodefs.inodesFree"
    IMAGE_DISK = "imagefs.available"
    IMAGE_INODES = "imagefs.inodesFree"
    PIDS = "pid.available"


MEMORY_PRESSURE, DISK_PRESSURE, PID_PRESSURE = "MemoryPressure", "DiskPressure", "PIDPressure"
CONDITION = {
    Signal.MEMORY: MEMORY_PRESSURE,
    Signal.POD_MEMORY: MEMORY_PRESSURE,
    Signal.NODE_DISK: DISK_PRESSURE,
    Signal.NODE_INODES: DISK_PRESSURE,
    Signal.IMAGE_DISK: DISK_PRESSURE,
    Signal.IMAGE_INODES: DISK_PRESSURE,
    Signal.PIDS: PID_PRESSURE,
}
RESOURCE = {
    Signal.MEMORY: "memory",
    Signal.POD_MEMORY: "memory",
    Signal.NODE_DISK: "ephemeral-storage",
    Signal.NODE_INODES: "inodes",
    Signal.IMAGE_DISK: "ephemeral-storage",
    Signal.IMAGE_INODES: "inodes",
    Signal.PIDS: "pids",
}
_ORDER = {Signal.MEMORY: 0, Signal.POD_MEMORY: 1}  # memory before everything else: it runs out fastest
# Upstream's DefaultEvictionHard on Linux.
DEFAULT_HARD = (
    "memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%"
)


class BadThreshold(ValueError):
    """A setting that is no threshold; the message says why."""


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount, or a share of the capacity (0 to 1)."""

    amount: int = 0
    share: float | None = None

    def of(self, capacity: int) -> int:
        return self.amount if self.share is None else int(capacity * self.share)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Less than `limit` is too little; `grace` is how long, in seconds, that is borne."""

    signal: Signal
    limit: Limit
    grace: float = 0.0
    reclaim: Limit = Limit()  # how much more than the limit must be free before it counts as mended
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What the administrator says of eviction."""

    thresholds: tuple[Threshold, ...] = ()
    max_pod_grace: float = 0.0  # seconds that a pod ended by a soft threshold gets at most; negative: its own
    transition: float = 300.0  # seconds that a condition outlives its cause


@dataclass(frozen=True, slots=True)
class Observation:
    """How much there is of something in all, and how much is left."""

    available: int
    capacity: int


Observations = Mapping[Signal, Observation]


@dataclass(frozen=True, slots=True)
class Memory:
    """What one look hands on to the next; times are seconds of one monotonic clock."""

    since: Mapping[Threshold, float] = field(default_factory=dict)  # thresholds met, and since when
    last_true: Mapping[str, float] = field(default_factory=dict)  # conditions, and when they were true last


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a look: the thresholds to act on, most urgent first, and the conditions that are true."""

    act_on: tuple[Threshold, ...]
    conditions: frozenset[str]
    memory: Memory


def decide(settings: Settings, seen: Observations, memory: Memory, now: float) -> Decision:
    """Decide what is met. What was met stays so until its minimum reclaim is free as well."""
    met = [
        one
        for one in settings.thresholds
        if is_met(one, seen) or (one in memory.since and is_met(one, seen, with_reclaim=True))
    ]
    since = {one: memory.since.get(one, now) for one in met}
    last_true = {**memory.last_true, **{CONDITION[one.signal]: now for one in met}}
    conditions = frozenset(
        name for name, moment in last_true.items() if moment == now or now - moment < settings.transition
    )
    due = [one for one in met if now - since[one] >= one.grace]
    ordered = tuple(sorted(due, key=lambda one: (_ORDER.get(one.signal, 2), one.soft)))
    return Decision(ordered, conditions, Memory(since, last_true))


def is_met(threshold: Threshold, seen: Observations, *, with_reclaim: bool = False) -> bool:
    """Whether too little is left; what could not be observed is taken to be enough."""
    found = seen.get(threshold.signal)
    if found is None:
        return False
    limit = threshold.limit.of(found.capacity)
    if with_reclaim:
        limit += threshold.reclaim.of(found.capacity)
    return found.available < limit


def with_pod_memory(settings: Settings) -> Settings:
    """Return the settings with every hard threshold of memory also for what pods may use together.

    For nodes that reserve memory: there, pods reach their own limit before the node runs short.
    """
    more = [replace(one, signal=Signal.POD_MEMORY) for one in settings.thresholds if one.signal is Signal.MEMORY]
    hard = tuple(one for one in more if not one.soft)
    return replace(settings, thresholds=(*settings.thresholds, *hard))


# Reading the settings


def parse_settings(
    hard: str = DEFAULT_HARD,
    soft: str = "",
    soft_grace: str = "",
    minimum_reclaim: str = "",
    max_pod_grace: int = 0,
    transition: str = "5m",
) -> Settings:
    """Return the settings of their texts. Raises BadThreshold."""
    reclaim = {signal: _limit(signal, text, positive=False) for signal, text in _pairs(minimum_reclaim, "=")}
    graces = {signal: _grace(signal, text) for signal, text in _pairs(soft_grace, "=")}
    thresholds = []
    for signal, text in _pairs(hard, "<"):
        if not _is_off(text):
            thresholds.append(Threshold(signal, _limit(signal, text), reclaim=reclaim.get(signal, Limit())))
    for signal, text in _pairs(soft, "<"):
        if signal not in graces:
            raise BadThreshold(f"the soft threshold of {signal} needs a grace period")
        if not _is_off(text):
            limit = _limit(signal, text)
            thresholds.append(Threshold(signal, limit, graces[signal], reclaim.get(signal, Limit()), soft=True))
    try:
        seconds = parse_duration(transition)
    except ValueError as error:
        raise BadThreshold(f"transition period: {error}") from error
    return Settings(tuple(thresholds), float(max_pod_grace), seconds)


def _pairs(text: str, operator: str) -> Sequence[tuple[Signal, str]]:
    found: dict[Signal, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, separator, value = part.partition(operator)
        if not separator or not value.strip():
            raise BadThreshold(f"expected SIGNAL{operator}VALUE, not {part!r}")
        try:
            signal = Signal(name.strip())
        except ValueError as error:
            raise BadThreshold(f"there is no signal {name.strip()!r}; known are {', '.join(Signal)}") from error
        if signal in found:
            raise BadThreshold(f"{signal} is set twice")
        found[signal] = value.strip()
    return tuple(found.items())


def _is_off(text: str) -> bool:
    """Upstream reads both ends of the scale as "do not look at this"."""
    return text in ("0%", "100%")


def _limit(signal: Signal, text: str, *, positive: bool = True) -> Limit:
    if text.endswith("%"):
        try:
            share = Decimal(text[:-1]) / 100
        except InvalidOperation as error:
            raise BadThreshold(f"{signal}: {text!r} is not a percentage") from error
        if not 0 <= share <= 1:
            raise BadThreshold(f"{signal}: {text!r} is not between 0% and 100%")
        return Limit(share=float(share))
    try:
        amount = quantity.value(text)
    except quantity.QuantityError as error:
        raise BadThreshold(f"{signal}: {text!r}: {error}") from error
    if amount < 0 or (positive and amount == 0):
        raise BadThreshold(f"{signal}: {text!r} must be {'positive' if positive else 'at least 0'}")
    return Limit(amount)


def _grace(signal: Signal, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise BadThreshold(f"grace period of {signal}: {error}") from error
    if seconds <= 0:
        raise BadThreshold(f"grace period of {signal}: {text!r} must be positive")
    return seconds


def hard_limits(thresholds: Iterable[Threshold], capacity: Mapping[str, int]) -> dict[str, int]:
    """Return what hard thresholds keep from pods, by resource: that much is never there to be used."""
    kept = {Signal.MEMORY: "memory", Signal.NODE_DISK: "ephemeral-storage"}
    return {
        kept[one.signal]: one.limit.of(capacity.get(kept[one.signal], 0))
        for one in thresholds
        if one.signal in kept and not one.soft
    }
