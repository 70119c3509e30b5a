"""Amounts by the names that quotas use: {"pods": "3", "requests.cpu": "1500m"}."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from controlplane.api import quantity
from controlplane.api.base import Quantity

Amounts: TypeAlias = Mapping[str, Quantity]


def total(parts: Iterable[Amounts]) -> dict[str, Quantity]:
    """Return the sum, name by name."""
    summed: dict[str, Quantity] = {}
    for part in parts:
        for name, value in part.items():
            summed[name] = quantity.add(summed[name], value) if name in summed else quantity.canonical(value)
    return summed


def greatest(parts: Iterable[Amounts]) -> dict[str, Quantity]:
    """Return the largest amount of each name."""
    found: dict[str, Quantity] = {}
    for part in parts:
        for name, value in part.items():
            if name not in found or quantity.compare(value, found[name]) > 0:
                found[name] = value
    return found


def only(amounts: Amounts, names: Collection[str]) -> dict[str, Quantity]:
    """Return the amounts of these names."""
    return {name: value for name, value in amounts.items() if name in names}


def growth(new: Amounts, old: Amounts) -> dict[str, Quantity]:
    """Return by how much each amount has grown; what has shrunk has not grown."""
    return {
        name: quantity.subtract(value, old.get(name, 0))
        for name, value in new.items()
        if quantity.compare(value, old.get(name, 0)) > 0
    }


def without_zeros(amounts: Amounts) -> dict[str, Quantity]:
    return {name: value for name, value in amounts.items() if quantity.amount(value).nanos}


def beyond(amounts: Amounts, limits: Amounts) -> list[str]:
    """Return the names whose amount is more than its limit; what has no limit is not limited."""
    return [name for name, value in amounts.items() if name in limits and quantity.compare(value, limits[name]) > 0]


def negative(amounts: Amounts) -> list[str]:
    return sorted(name for name, value in amounts.items() if quantity.amount(value).nanos < 0)


def equal(left: Amounts, right: Amounts) -> bool:
    """Return whether both say the same, however it is written."""
    return left.keys() == right.keys() and all(not quantity.compare(left[name], right[name]) for name in left)


def shown(amounts: Amounts) -> str:
    """Return amounts as messages have them: "cpu=2,pods=1"."""
    return ",".join(f"{name}={quantity.canonical(amounts[name])}" for name in sorted(amounts))
