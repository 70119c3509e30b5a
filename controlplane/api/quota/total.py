"""Everything in a namespace added up: what the status of a quota says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import ResourceQuota
from controlplane.api.quota.amounts import Amounts, only, total
from controlplane.api.quota.kinds import Evaluator
from controlplane.api.quota.scopes import scopes_of


def used_by(quota: ResourceQuota, evaluator: Evaluator, objects: Iterable[Any], now: datetime) -> dict[str, Quantity]:
    """Return what the objects of one kind use of a quota, 0 included; {} if it limits nothing of that kind."""
    names = evaluator.tracked(quota.spec.hard)
    if not names:
        return {}
    scopes = scopes_of(quota)
    counted = (obj for obj in objects if all(evaluator.in_scope(scope, obj) for scope in scopes))
    nothing: Amounts = dict.fromkeys(names, "0")
    return total([nothing, *(only(evaluator.usage(obj, now), names) for obj in counted)])
