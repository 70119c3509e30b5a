"""`sets.contains`, `sets.equivalent`, `sets.intersects`: lists taken as sets."""

from __future__ import annotations

from typing import Any

from controlplane.cel import costs
from controlplane.cel.access import contains
from controlplane.cel.functions import Functions, function
from controlplane.cel.types import BOOL, LIST_A


def add_to(functions: Functions) -> None:
    signature = function(LIST_A, LIST_A, gives=BOOL)
    functions.add("sets.contains", signature, _contains, costs.of_pairs)
    functions.add(
        "sets.equivalent", signature, lambda one, other: _contains(one, other) and _contains(other, one), costs.of_pairs
    )
    functions.add(
        "sets.intersects", signature, lambda one, other: any(contains(one, value) for value in other), costs.of_pairs
    )


def _contains(whole: list[Any], part: list[Any]) -> bool:
    return all(contains(whole, value) for value in part)
