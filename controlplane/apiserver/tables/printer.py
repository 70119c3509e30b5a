"""What a printer is: columns, and a function that makes the cells of one object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from controlplane.api.codec import Document

Cell: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. With priority 1 it is shown by `-o wide` only."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""  # of our own kinds none: upstream has sentences here, which no client shows

    def definition(self) -> Document:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def wide(name: str) -> Column:
    """A column for `-o wide`."""
    return Column(name, priority=1)


NAME = Column("Name", format="name")
AGE = Column("Age")


@dataclass(frozen=True, slots=True)
class Printer:
    """How one kind is printed."""

    columns: Sequence[Column]
    cells: Callable[[Any, datetime], list[Cell]]
    conditions: Callable[[Any], list[Document]] = field(default=lambda _: [])
    """What a client should know of the whole row: that a pod has completed, for example."""
