"""The cells of additionalPrinterColumns, by type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from controlplane.api.apiextensions_v1 import CustomResourceColumnDefinition
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.customresources.columns import printer_for
from controlplane.apiserver.customresources.shape import CustomObject

NOW = datetime(2026, 11, 26, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "value", "cell"),
    [
        pytest.param("string", "red", "red", id="text"),
        pytest.param("string", 3, "3", id="a number as text"),
        pytest.param("string", True, "true", id="a truth as text"),
        pytest.param("string", ["a", {"b": 1}], '["a",{"b":1}]', id="a list as text"),
        pytest.param("integer", 3, 3, id="a whole number"),
        pytest.param("integer", 3.7, 3, id="a number cut"),
        pytest.param("integer", "x", None, id="no number"),
        pytest.param("number", 3.5, 3.5, id="a number"),
        pytest.param("number", 3.0, 3, id="as Go writes it"),
        pytest.param("boolean", False, False, id="a truth"),
        pytest.param("boolean", "true", None, id="no truth"),
        pytest.param("date", "2026-11-26T19:00:00Z", "60m", id="an age"),
        pytest.param("date", "yesterday", "<invalid>", id="no time"),
        pytest.param("string", None, None, id="nothing"),
    ],
)
def test_cells(type_: str, value: Any, cell: Any) -> None:
    printer = printer_for([CustomResourceColumnDefinition(name="It", type=type_, json_path=".spec.it")])
    obj = CustomObject(ObjectMeta(name="a"), {"spec": {"it": value}})
    assert printer.cells(obj, NOW) == ["a", cell]


def test_without_columns_there_is_the_age() -> None:
    printer = printer_for([])
    assert [column.name for column in printer.columns] == ["Name", "Age"]
    document = {"metadata": {"creationTimestamp": "2026-11-26T19:59:30Z"}}
    assert printer.cells(CustomObject(ObjectMeta(name="a"), document), NOW) == ["a", "30s"]


def test_a_path_that_is_none_shows_nothing() -> None:
    printer = printer_for([CustomResourceColumnDefinition(name="It", type="string", json_path="..x")])
    assert printer.cells(CustomObject(ObjectMeta(name="a"), {}), NOW) == ["a", None]
