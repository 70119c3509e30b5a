"""Which rules a kind has, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from controlplane.api.status import FieldError

Rule: TypeAlias = Callable[[Any], list[FieldError]]
Change: TypeAlias = Callable[[Any, Any], list[FieldError]]


def _nothing(new: Any, old: Any) -> list[FieldError]:
    return []


@dataclass(frozen=True, slots=True)
class Rules:
    """What a kind demands beyond its metadata, of a new object, of its successor and of a new status."""

    create: Rule
    change: Change = _nothing
    status: Change = _nothing

    def update(self, new: Any, old: Any) -> list[FieldError]:
        return self.change(new, old) + self.create(new)


RULES: Mapping[tuple[str, str], Rules] = {}

SUBRESOURCE_RULES: Mapping[tuple[str, str, str], Change] = {}
