"""Which kinds a quota is about, what its status says, and which changes give something back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from controlplane.api.core_v1 import PersistentVolumeClaim, Pod, ResourceQuota, ResourceQuotaStatus, Service
from controlplane.api.quota.amounts import Amounts, equal, only, total
from controlplane.api.quota.kinds import Evaluator, evaluator_for
from controlplane.api.quota.pods import is_charged
from controlplane.api.resources import RESOURCES, Resource


def _countable() -> dict[type, tuple[Resource, Evaluator]]:
    found: dict[tuple[str, str], tuple[Resource, Evaluator]] = {}
    for resource in RESOURCES:
        evaluator = evaluator_for(resource.group, resource.plural) if resource.namespaced else None
        if evaluator is not None:
            found.setdefault((resource.group, resource.plural), (resource, evaluator))
    return {resource.type: (resource, evaluator) for resource, evaluator in found.values()}


COUNTABLE = _countable()
"""How each kind that is in namespaces is counted, by its type."""
_BUILT_IN = frozenset((resource.group, resource.plural) for resource in RESOURCES)


def kinds_of(quota: ResourceQuota) -> list[type]:
    """Return the types of which a quota limits something."""
    hard = quota.spec.hard
    return [type_ for type_, (_, evaluator) in COUNTABLE.items() if any(map(evaluator.tracks, hard))]


def custom_kinds_of(quota: ResourceQuota) -> list[tuple[str, str]]:
    """Return the group and plural of each kind that a quota counts and this program has no type of."""
    names = [name.removeprefix("count/") for name in quota.spec.hard if name.startswith("count/")]
    kinds = [(group, plural) for plural, _, group in (name.partition(".") for name in names) if group]
    return [kind for kind in kinds if kind not in _BUILT_IN]


def status(quota: ResourceQuota, counts: Iterable[Amounts]) -> ResourceQuotaStatus:
    """Return what the status is to say; what nobody counted stays as it was."""
    hard = total([quota.spec.hard])
    used = {**quota.status.used, **total(counts)}
    return ResourceQuotaStatus(hard=hard, used=only(used, hard))


def says_the_same(left: ResourceQuotaStatus, right: ResourceQuotaStatus) -> bool:
    return equal(left.hard, right.hard) and equal(left.used, right.used)


def gives_back(old: Any, new: Any, now: datetime) -> bool:
    """Return whether a change leaves more to others than before."""
    if new is None:
        return True
    if old is None:
        return False
    if isinstance(new, Pod):
        return is_charged(old, now) and not is_charged(new, now)
    if isinstance(new, Service):
        return bool(old.spec.type != new.spec.type)
    if isinstance(new, PersistentVolumeClaim):
        return bool(old.status != new.status)
    return False
