"""One write against the quotas of its namespace: what they say afterwards, or the sentence that refuses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from controlplane.api.core_v1 import ResourceQuota
from controlplane.api.quota.amounts import Amounts, beyond, growth, negative, only, shown, total, without_zeros
from controlplane.api.quota.kinds import Evaluator
from controlplane.api.quota.scopes import Scope, scopes_of
from controlplane.api.quota.scopes import shown as shown_scopes


class Refused(Exception):
    """A write that no quota allows."""


class Uncovered(Exception):
    """A write of what is limited by default, in a scope that no quota of the namespace covers."""


@dataclass(frozen=True, slots=True)
class LimitedResource:
    """What may only be used where a quota covers it: a section of the plug-in's configuration."""

    resource: str  # the plural
    group: str = ""
    match_contains: tuple[str, ...] = ()  # parts of names, such as ".storageclass."
    match_scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """A request, as far as quotas look at it."""

    group: str
    plural: str
    evaluator: Evaluator
    obj: Any
    old: Any = None  # of an update
    subresource: str = ""


def charge(
    quotas: Sequence[ResourceQuota], write: Write, now: datetime, limited: Sequence[LimitedResource] = ()
) -> list[ResourceQuota]:
    """Return the quotas as they are when the write is done. Raises Refused, Uncovered."""
    evaluator = write.evaluator
    usage = evaluator.usage(write.obj, now)
    if below := negative(usage):
        raise Refused(f"quota usage is negative for resource(s): {','.join(below)}")
    concerned = {
        quota.metadata.name: _tracked(quota, write) for quota in quotas if _counts(quota, evaluator, write.obj)
    }
    deltas = {
        quota.metadata.name: _delta(quota, write, usage, now) for quota in quotas if quota.metadata.name in concerned
    }
    grown = any(deltas.values()) if concerned else bool(without_zeros(_change(write, usage, now)))
    if not grown:
        return list(quotas)
    _require_cover(quotas, write, usage, {name for names in concerned.values() for name in names}, limited)
    return [_charged(quota, deltas.get(quota.metadata.name) or {}, write) for quota in quotas]


def _counts(quota: ResourceQuota, evaluator: Evaluator, obj: Any) -> bool:
    """Return whether a quota counts this object at all: it limits something of its kind, and is for such objects."""
    if not any(evaluator.tracks(name) for name in quota.status.hard):
        return False
    return all(evaluator.in_scope(scope, obj) for scope in scopes_of(quota))


def _tracked(quota: ResourceQuota, write: Write) -> list[str]:
    """Return what a quota limits of such objects. Raises Refused for one that says too little."""
    names = write.evaluator.tracked(quota.status.hard)
    if why := write.evaluator.missing(names, write.obj):
        raise Refused(f"failed quota: {quota.metadata.name}: {why}")
    if not all(name in quota.status.used for name in names):
        raise Refused(f"status unknown for quota: {quota.metadata.name}, resources: {','.join(names)}")
    return names


def _delta(quota: ResourceQuota, write: Write, usage: Amounts, now: datetime) -> Amounts:
    """Return what the write adds to a quota; an object that was not counted before counts whole."""
    counted = write.old is not None and _counts(quota, write.evaluator, write.old)
    return without_zeros(_change(write, usage, now) if counted else usage)


def _change(write: Write, usage: Amounts, now: datetime) -> Amounts:
    # What shrinks is given back by the controller, which looks at all there is.
    return usage if write.old is None else growth(usage, write.evaluator.usage(write.old, now))


def _require_cover(
    quotas: Sequence[ResourceQuota],
    write: Write,
    usage: Amounts,
    covered: set[str],
    limited: Sequence[LimitedResource],
) -> None:
    ours = [one for one in limited if (one.group, one.resource) == (write.group, write.plural)]
    parts = [part for one in ours for part in one.match_contains]
    names = {name for name in without_zeros(usage) if any(part in name for part in parts)}
    if bare := sorted(names - covered):
        raise Refused(f"insufficient quota to consume: {','.join(bare)}")
    in_scope = write.evaluator.in_scope
    scopes = [scope for one in limited for scope in one.match_scopes if in_scope(scope, write.obj)]
    if not scopes:
        return
    known = {scope.scope_name for quota in quotas for scope in scopes_of(quota) if in_scope(scope, write.obj)}
    if open_ := [scope for scope in scopes if scope.scope_name not in known]:
        raise Uncovered(f"insufficient quota to match these scopes: {shown_scopes(open_)}")


def _charged(quota: ResourceQuota, delta: Amounts, write: Write) -> ResourceQuota:
    hard, used = quota.status.hard, quota.status.used
    asked = only(delta, hard.keys())
    if not asked:
        return quota
    new = total([used, asked])
    exceeded = beyond(only(new, asked.keys()), hard)
    if exceeded and write.subresource != "status":  # a status tells what has happened already
        raise Refused(
            f"exceeded quota: {quota.metadata.name}, requested: {shown(only(asked, exceeded))}, "
            f"used: {shown(only(used, exceeded))}, limited: {shown(only(hard, exceeded))}"
        )
    return replace(quota, status=replace(quota.status, used=new))
