"""How many seats each priority level has: a share of the server's, less what it lends, plus what it borrows.

    nominal = total * shares / all shares      lower = nominal - lendable      upper = nominal + what may be borrowed

Every ten seconds the seats are dealt anew: each level is first given what it needed lately, between its lower bound and
its nominal seats, then all that is left goes to levels in proportion to what they ask for, within their bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, sqrt

from controlplane.api.flowcontrol_v1 import PriorityLevelConfigurationSpec

ADJUSTMENT_PERIOD = 10.0  # seconds
_SMOOTHING = 0.977  # of the old value that is kept where demand falls: half of it after five minutes
_LEAST_TARGET = 0.001  # seats: a level that asks for nothing still has a proportion
_DEFAULT_SHARES = 30


@dataclass(frozen=True, slots=True)
class Bounds:
    """The seats that a level's configuration gives it."""

    nominal: int
    lower: int
    upper: int


def bounds_of(specs: Mapping[str, PriorityLevelConfigurationSpec], total: int) -> dict[str, Bounds]:
    """Return the bounds of every level of a server with `total` seats."""
    every = sum(_shares(spec) for spec in specs.values())
    return {name: _bounds(spec, total, every) for name, spec in specs.items()}


def _bounds(spec: PriorityLevelConfigurationSpec, total: int, every: int) -> Bounds:
    nominal = ceil(total * _shares(spec) / every) if every else 0
    kind = spec.limited or spec.exempt
    lendable = _rounded(nominal * ((kind.lendable_percent if kind else 0) or 0) / 100)
    percent = spec.limited.borrowing_limit_percent if spec.limited else None
    borrowed = total if percent is None else _rounded(nominal * percent / 100)
    return Bounds(nominal, nominal - lendable, nominal + borrowed)


def _shares(spec: PriorityLevelConfigurationSpec) -> int:
    if spec.limited is not None:
        shares = spec.limited.nominal_concurrency_shares
        return _DEFAULT_SHARES if shares is None else max(0, shares)
    return (spec.exempt.nominal_concurrency_shares if spec.exempt else 0) or 0


def _rounded(value: float) -> int:
    """Round halves up, as Go does: the seats are shown as metrics."""
    return floor(value + 0.5)


class Demand:
    """How many seats a level could use, over time: average, spread and peak since they were last asked for."""

    def __init__(self, now: float):
        self.since, self._at, self._value = now, now, 0
        self._area = self._squares = 0.0
        self.peak, self.average, self.deviation, self.smoothed = 0, 0.0, 0.0, 0.0
        self._highest = 0

    def note(self, value: int, now: float) -> None:
        """Say what the demand is from now on."""
        elapsed, before = now - self._at, self._value
        self._at, self._value = now, value
        self._area += before * elapsed
        self._squares += before * before * elapsed
        if value > self._highest:
            self._highest = value

    def settle(self, now: float) -> None:
        """Work out the period that ends now, and begin the next."""
        self.note(self._value, now)
        elapsed = now - self.since
        if elapsed > 0:
            self.average = self._area / elapsed
            self.deviation = sqrt(max(0.0, self._squares / elapsed - self.average**2))
        self.peak = self._highest
        envelope = self.average + self.deviation
        self.smoothed = max(envelope, _SMOOTHING * self.smoothed + (1 - _SMOOTHING) * envelope)
        self.since, self._area, self._squares, self._highest = now, 0.0, 0.0, self._value


@dataclass(frozen=True, slots=True)
class Need:
    """What a level has asked for lately."""

    bounds: Bounds
    peak: int
    smoothed: float
    exempt: bool = False

    @property
    def least(self) -> int:
        """What is not taken from it: what it used, but no more than its own."""
        used = self.peak if self.exempt else min(self.bounds.nominal, self.peak)
        return max(self.bounds.lower, used)

    @property
    def target(self) -> float:
        return max(float(self.least), self.smoothed, _LEAST_TARGET)


def adjusted(needs: Mapping[str, Need]) -> tuple[dict[str, int], float]:
    """Return the seats of every level for the next period, and the fraction of its target that each level gets."""
    total = sum(need.bounds.nominal for need in needs.values())
    limited = {name: need for name, need in needs.items() if not need.exempt}
    seats = {name: need.least for name, need in needs.items() if need.exempt}
    left = total - sum(seats.values())  # exempt requests take theirs whatever is left for others
    lowest = sum(need.bounds.lower for need in limited.values())
    least = sum(need.least for need in limited.values())
    if left <= lowest:
        return seats | {name: need.bounds.lower for name, need in limited.items()}, 0.0
    if left <= least:
        part = (left - lowest) / (least - lowest)
        return seats | {
            name: need.bounds.lower + _rounded((need.least - need.bounds.lower) * part)
            for name, need in limited.items()
        }, 0.0
    fraction = _fraction(limited, total)
    return seats | {name: _rounded(_at(need, fraction)) for name, need in limited.items()}, fraction


def _at(need: Need, fraction: float) -> float:
    return max(need.least, min(need.bounds.upper, fraction * need.target))


def _fraction(needs: Mapping[str, Need], total: int) -> float:
    """Return the fraction of their targets at which the seats of all levels add up to `total`.

    The sum only grows with the fraction, in straight lines between the points where a level meets a bound: look for
    the two points around `total`, then go along the line between them.
    """
    bends = sorted({bound / need.target for need in needs.values() for bound in (need.least, need.bounds.upper)})
    low = 0.0
    for high in bends:
        if (reached := _sum(needs, high)) >= total:
            start = _sum(needs, low)
            return low if reached == start else low + (high - low) * (total - start) / (reached - start)
        low = high
    return low  # every level has all that it may borrow


def _sum(needs: Mapping[str, Need], fraction: float) -> float:
    return sum(_at(need, fraction) for need in needs.values())
