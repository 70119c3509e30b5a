"""additionalPrinterColumns: the columns that a definition adds to `kubectl get`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from controlplane.api.apiextensions_v1 import CustomResourceColumnDefinition
from controlplane.api.structural.paths import Find, PathError, parse_path
from controlplane.apiserver.customresources.shape import CustomObject
from controlplane.apiserver.tables.printer import NAME, Cell, Column, Printer
from controlplane.apiserver.tables.texts import age

Show: TypeAlias = Callable[[Any, datetime], Cell]

_AGE = CustomResourceColumnDefinition(name="Age", type="date", json_path=".metadata.creationTimestamp")
_encoder = msgspec.json.Encoder(order="deterministic")


def printer_for(columns: Sequence[CustomResourceColumnDefinition]) -> Printer:
    """Return the printer of a version's columns; without any, objects show their age."""
    columns = columns or (_AGE,)
    finds = [(_find(column.json_path), _SHOWS.get(column.type, _nothing)) for column in columns]

    def cells(obj: CustomObject, now: datetime) -> list[Cell]:
        return [obj.metadata.name, *(_cell(find(obj.document), show, now) for find, show in finds)]

    return Printer((NAME, *map(_column, columns)), cells)


def _column(column: CustomResourceColumnDefinition) -> Column:
    described = column.description or f"Custom resource definition column (in JSONPath format): {column.json_path}"
    return Column(column.name, column.type, column.format, column.priority or 0, described)


def _find(path: str) -> Find:
    try:
        return parse_path(path)
    except PathError:
        return lambda _: []  # as upstream: the column is there, and empty


def _cell(found: list[Any], show: Show, now: datetime) -> Cell:
    return None if not found or found[0] is None else show(found[0], now)


def _text(value: Any, now: datetime) -> Cell:
    return value if isinstance(value, str) else _encoder.encode(value).decode()


def _integer(value: Any, now: datetime) -> Cell:
    return int(value) if type(value) in (int, float) else None


def _number(value: Any, now: datetime) -> Cell:
    if type(value) is float and value.is_integer():
        return int(value)  # Go writes 3.0 as 3
    return value if type(value) in (int, float) else None


def _boolean(value: Any, now: datetime) -> Cell:
    return value if isinstance(value, bool) else None


def _date(value: Any, now: datetime) -> Cell:
    if not isinstance(value, str):
        return None
    try:
        return age(value, now)
    except ValueError:
        return "<invalid>"


def _nothing(value: Any, now: datetime) -> Cell:
    return None


_SHOWS: dict[str, Show] = {
    "boolean": _boolean,
    "date": _date,
    "integer": _integer,
    "number": _number,
    "string": _text,
}
