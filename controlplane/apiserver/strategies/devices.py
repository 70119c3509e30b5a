"""Devices: claims that forget what they no longer hold, slices whose drivers write small."""

from __future__ import annotations

from typing import Any

from controlplane.api.codec import Document
from controlplane.api.resource_v1 import ResourceSlice
from controlplane.apiserver.strategies.base import Strategy
from controlplane.apiserver.strategies.simple import SpecStrategy


class ResourceClaimStrategy(Strategy):
    """What drivers say of a device goes with its allocation."""

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        super().prepare_subresource_update(subresource, new, old)
        status = new.get("status") or {}
        gone = _allocated(old) - _allocated(new)
        if gone and status.get("devices"):
            status["devices"] = [one for one in status["devices"] if _identity(one) not in gone]
            if not status["devices"]:
                del status["devices"]


def _allocated(claim: Document) -> set[tuple[str, ...]]:
    allocation = (claim.get("status") or {}).get("allocation") or {}
    return {_identity(result) for result in (allocation.get("devices") or {}).get("results") or ()}


def _identity(device: Document) -> tuple[str, ...]:
    return tuple(device.get(field, "") for field in ("driver", "pool", "device"))


class ResourceSliceStrategy(SpecStrategy):
    """Slices, whose changes are counted."""

    def warnings(self, obj: Any) -> list[str]:
        slice_: ResourceSlice = obj
        driver = slice_.spec.driver
        if driver == driver.lower():
            return []
        return [f'spec.driver: driver names should be lowercase; "{driver}" contains uppercase characters']
