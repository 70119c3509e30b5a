"""What the expressions of mutating policies give, as patches."""

from __future__ import annotations

from typing import Any

from controlplane.api.codec import Document
from controlplane.cel.values import Duration, ObjectValue, Optional, Timestamp, UInt


class WrongTypeName(ValueError):
    """An object in a place that its name does not say: `Object{spec: Object.status{}}`."""


def configuration(value: ObjectValue) -> Document:
    """Return the configuration to apply. Raises WrongTypeName."""
    _check_names(value, "Object")
    document: Document = _json(value)
    return document


def json_patch(values: list[ObjectValue]) -> list[Document]:
    """Return the operations of a JSON patch. Raises WrongTypeName."""
    return [_operation(value) for value in values]


def _operation(value: ObjectValue) -> Document:
    operation: Document = {key: _json(one) for key, one in value.items()}
    inner = value.get("value")
    if isinstance(inner, ObjectValue):
        _check_names(inner, str(inner.cel_type))
    return operation


def _check_names(value: Any, expected: str) -> None:
    if isinstance(value, ObjectValue):
        if str(value.cel_type) != expected:
            raise WrongTypeName(
                f'unexpected type name "{value.cel_type}", expected "{expected}", '
                "which matches field name path from root Object type"
            )
        for key, one in value.items():
            _check_names(one, f"{expected}.{key}")
    elif isinstance(value, list):
        for one in value:
            _check_names(one, expected)
    elif isinstance(value, dict):
        for one in value.values():
            _check_names(one, expected)


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_json(one) for one in value]
    if isinstance(value, UInt):
        return int(value)
    if isinstance(value, Timestamp | Duration):
        return str(value)
    if isinstance(value, Optional):
        return _json(value.inner) if value.present else None
    return value
