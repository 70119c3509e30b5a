"""kubectl get deviceclasses, resourceclaims, resourceclaimtemplates, resourceslices, devicetaintrules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from controlplane.api.resource_v1 import ResourceClaim, ResourceSlice
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer
from controlplane.apiserver.tables.texts import age


def _plain(item: Any, now: datetime) -> list[Cell]:
    return [item.metadata.name, age(item.metadata.creation_timestamp, now)]


def _claim(item: ResourceClaim, now: datetime) -> list[Cell]:
    return [item.metadata.name, _state(item), age(item.metadata.creation_timestamp, now)]


def _state(claim: ResourceClaim) -> str:
    states = ["deleted"] if claim.metadata.deletion_timestamp else []
    if claim.status.allocation is None:
        return ",".join([*states, *([] if states else ["pending"])])
    states.append("allocated")
    return ",".join([*states, *(["reserved"] if claim.status.reserved_for else [])])


def _slice(item: ResourceSlice, now: datetime) -> list[Cell]:
    spec = item.spec
    pool = spec.pool.name if spec.pool else ""
    return [item.metadata.name, spec.node_name or "", spec.driver, pool, age(item.metadata.creation_timestamp, now)]


NAMED = Printer((NAME, AGE), _plain)
RESOURCE_CLAIM = Printer((NAME, Column("State"), AGE), _claim)
RESOURCE_SLICE = Printer((NAME, Column("Node"), Column("Driver"), Column("Pool"), AGE), _slice)
