"""Two readings of what is used to the cores in use now: pure."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodeagent.metrics.usage import ContainerUsage, PodUsage, Usage

_SHORTEST = 5.0  # seconds: a shorter window says little
_LONGEST = 600.0  # seconds: an average over a longer one says nothing of now


def earlier_than(now: float, past: deque[tuple[float, Usage]]) -> Usage | None:
    """Return the reading to compare with, and forget those that nobody will compare with any more.

    The newest that is some seconds old; while there is none, the oldest. `past` is in order of time.
    """
    while len(past) > 1 and now - past[1][0] >= _SHORTEST:
        past.popleft()
    while past and now - past[0][0] > _LONGEST:
        past.popleft()
    return past[0][1] if past else None


def with_rates(earlier: Usage | None, later: Usage) -> Usage:
    """Return the later reading with what has been used since the earlier one, per second."""
    if earlier is None:
        return later
    containers = {one.id: one for one in earlier.containers}
    now = tuple(_container(containers.get(one.id), earlier.read_at, one, later.read_at) for one in later.containers)
    pods = {uid: _pod(earlier.pods.get(uid), earlier.read_at, one, later.read_at) for uid, one in later.pods.items()}
    machine = replace(
        later.machine,
        cores=_rate(earlier.machine.cpu_seconds, earlier.read_at, later.machine.cpu_seconds, later.read_at),
    )
    return replace(later, containers=now, pods=pods, machine=machine)


def _container(old: ContainerUsage | None, before: float, new: ContainerUsage, now: float) -> ContainerUsage:
    if old is None:
        return new
    return replace(new, cores=_rate(old.cpu_seconds, old.read_at or before, new.cpu_seconds, new.read_at or now))


def _pod(old: PodUsage | None, before: float, new: PodUsage, now: float) -> PodUsage:
    return new if old is None else replace(new, cores=_rate(old.group.cpu_seconds, before, new.group.cpu_seconds, now))


def _rate(used_before: float | None, before: float, used: float | None, now: float) -> float | None:
    """Return cores; None where there is nothing to compare, or what there is belongs to another run."""
    if used_before is None or used is None or now <= before or used < used_before:
        return None
    return (used - used_before) / (now - before)
