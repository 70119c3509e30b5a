"""What to do about one object, given what became of each of its owners."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from controlplane.api.meta_v1 import OwnerReference
from controlplane.controllers.garbagecollector.graph import FOREGROUND, ORPHAN


class OwnerState(StrEnum):
    SOLID = "solid"  # it is there and stays
    WAITING = "waiting"  # it goes, in the foreground, once its dependents are gone
    ABSENT = "absent"


class Policy(StrEnum):
    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Nothing:
    """Some owner wants it, or it never had one."""


@dataclass(frozen=True, slots=True)
class DropOwners:
    """Some owner wants it; references to those that do not are only in the way."""

    uids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Delete:
    """Nobody wants it. `unblock`: it is part of a circle that would wait for itself."""

    policy: Policy
    unblock: bool = False


Action = Nothing | DropOwners | Delete


def decide(
    owners: Iterable[tuple[OwnerReference, OwnerState]],
    finalizers: Iterable[str],
    *,
    has_dependents: bool,
    dependent_is_deleting: bool,
) -> Action:
    """Decide about an object with these owners."""
    states = [(owner.uid, state) for owner, state in owners]
    if not states:
        return Nothing()
    unwanted = frozenset(uid for uid, state in states if state is not OwnerState.SOLID)
    if len(unwanted) < len({uid for uid, _ in states}):
        return DropOwners(unwanted) if unwanted else Nothing()
    if any(state is OwnerState.WAITING for _, state in states) and has_dependents:
        # Its own dependents have to go before it, as it has to before its owner.
        return Delete(Policy.FOREGROUND, unblock=dependent_is_deleting)
    return Delete(_asked_for(finalizers))


def _asked_for(finalizers: Iterable[str]) -> Policy:
    """A deletion policy that somebody asked for earlier holds."""
    present = set(finalizers)
    if ORPHAN in present:
        return Policy.ORPHAN
    return Policy.FOREGROUND if FOREGROUND in present else Policy.BACKGROUND
