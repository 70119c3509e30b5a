"""Charging quotas: many requests with one write, again when somebody else was faster, and nobody left waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.admission.interface import Attributes
from controlplane.admission.resource_quota import ResourceQuotaAdmission
from controlplane.api.core_v1 import (
    ResourceQuota,
    ResourceQuotaSpec,
    ResourceQuotaStatus,
    ScopedResourceSelectorRequirement,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.quota.charge import LimitedResource
from controlplane.api.status import Conflict, Forbidden, InternalError
from controlplane.kit.clock import ManualClock
from tests.unit.admission.test_admission import CREATE, UPDATE, attributes


class Ledger:
    """Quotas in memory; `rivals` charge as many units first, one for each of the next writes."""

    def __init__(self, limit: int, used: int = 0, *, rivals: Sequence[int] = ()):
        amounts: dict[str, Any] = {"configmaps": str(limit)}
        self.quota = ResourceQuota(
            metadata=ObjectMeta(name="q", namespace="prod", resource_version="1"),
            spec=ResourceQuotaSpec(hard=amounts),
            status=ResourceQuotaStatus(hard=amounts, used={"configmaps": str(used)}),
        )
        self.rivals, self.writes, self.open = list(rivals), 0, asyncio.Event()
        self.open.set()

    @property
    def used(self) -> int:
        return int(str(self.quota.status.used["configmaps"]))

    def quotas(self, namespace: str) -> Sequence[ResourceQuota]:
        return [self.quota] if namespace == "prod" else []

    async def write(self, quota: ResourceQuota) -> bool:
        self.writes += 1
        await asyncio.sleep(0)  # a write takes a while, in which the others come
        await self.open.wait()
        if self.rivals:
            self._set(self.used + self.rivals.pop(0))
        if quota.metadata.resource_version != self.quota.metadata.resource_version:
            return False
        self._set(int(str(quota.status.used["configmaps"])))
        return True

    def _set(self, used: int) -> None:
        version = str(int(self.quota.metadata.resource_version) + 1)
        metadata = replace(self.quota.metadata, resource_version=version)
        status = replace(self.quota.status, used={"configmaps": str(used)})
        self.quota = replace(self.quota, metadata=metadata, status=status)


def a_request(name: str = "x", *, namespace: str = "prod", dry_run: bool = False) -> Attributes:
    request = attributes(CREATE, "configmaps", {"data": {}}, name=name, namespace=namespace)
    request.dry_run = dry_run
    return request


def admission(ledger: Ledger, *limited: LimitedResource) -> ResourceQuotaAdmission:
    return ResourceQuotaAdmission(ledger, ManualClock(), limited)


async def test_many_at_once_take_few_writes() -> None:
    ledger = Ledger(30)
    plugin = admission(ledger)
    told = await asyncio.gather(*(plugin.validate(a_request(f"c{n}")) for n in range(50)), return_exceptions=True)
    assert sum(one is None for one in told) == ledger.used == 30
    assert {type(one) for one in told} == {type(None), Forbidden}
    assert ledger.writes <= 2


async def test_again_with_the_newer_quota() -> None:
    ledger = Ledger(3, rivals=[1])
    await admission(ledger).validate(a_request())
    assert (ledger.used, ledger.writes) == (2, 2)


async def test_what_somebody_else_has_taken_is_gone() -> None:
    ledger = Ledger(1, rivals=[1])
    with pytest.raises(Forbidden, match="exceeded quota: q, requested: configmaps=1, used: configmaps=1"):
        await admission(ledger).validate(a_request())
    assert ledger.used == 1


async def test_whoever_is_always_slower_is_told_to_try_again() -> None:
    ledger = Ledger(99, rivals=[1] * 9)
    with pytest.raises(Conflict):
        await admission(ledger).validate(a_request())


async def test_if_one_goes_away_the_others_are_still_served() -> None:
    ledger = Ledger(9)
    ledger.open.clear()
    plugin = admission(ledger)
    first = asyncio.create_task(plugin.validate(a_request("a")))
    await asyncio.sleep(0)
    others = [asyncio.create_task(plugin.validate(a_request(name))) for name in "bc"]
    await asyncio.sleep(0)
    first.cancel()
    ledger.open.set()
    await asyncio.gather(*others)
    assert ledger.used == 2
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize(
    ("request_", "used"),
    [
        (a_request(dry_run=True), 0),
        (a_request(namespace="dev"), 0),
        (attributes(UPDATE, "configmaps", {"data": {}}, old={"data": {}}), 0),
        (attributes(CREATE, "events", {}), 0),
        (attributes(CREATE, "nodes", {}), 0),
        (a_request(), 1),
    ],
    ids=["a dry run", "another namespace", "an update", "an event", "in no namespace", "a creation"],
)
async def test_what_is_charged(request_: Attributes, used: int) -> None:
    ledger = Ledger(9)
    await admission(ledger).validate(request_)
    assert (ledger.used, ledger.writes) == (used, used)


async def test_limited_by_default_where_there_is_no_quota() -> None:
    limited = LimitedResource("configmaps", match_contains=("configmaps",))
    with pytest.raises(Forbidden, match="insufficient quota to consume: configmaps,count/configmaps"):
        await admission(Ledger(9), limited).validate(a_request(namespace="dev"))
    scope = ScopedResourceSelectorRequirement(scope_name="BestEffort", operator="Exists")
    pods = LimitedResource("pods", match_scopes=(scope,))
    pod = attributes(CREATE, "pods", {"spec": {"containers": [{"name": "a"}]}})
    with pytest.raises(
        InternalError, match=r"insufficient quota to match these scopes: \[\{BestEffort Exists \[\]\}\]"
    ):
        await admission(Ledger(9), pods).validate(pod)
