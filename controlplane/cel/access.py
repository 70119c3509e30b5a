"""Reaching into values: fields, elements, keys; and documents read as the types that schemas give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controlplane.cel import types
from controlplane.cel.errors import EvaluationError
from controlplane.cel.types import Type
from controlplane.cel.values import NONE, Duration, LazyFields, Optional, Timestamp, UInt, equal, type_of_value

MISSING = object()


def reader(type_: Type) -> Callable[[Any], Any] | None:
    """Return what turns a document's value into one of this type; None: it is one already."""
    return _READERS.get(type_.name) if not type_.parameters else None


def _read_timestamp(value: Any) -> Any:
    if type(value) is not str:
        return value
    return Timestamp.parse(value if "T" in value or "t" in value else f"{value}T00:00:00Z")


def _read_bytes(value: Any) -> Any:
    import base64
    import binascii

    if type(value) is not str:
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise EvaluationError(f"illegal base64 data: {error}") from error


_READERS: dict[str, Callable[[Any], Any]] = {
    "timestamp": _read_timestamp,
    "duration": lambda value: Duration.parse(value) if type(value) is str else value,
    "bytes": _read_bytes,
    "double": lambda value: float(value) if type(value) is int else value,
}


def inner_type(type_: Type) -> Type:
    return type_.parameters[0] if type_.parameters else types.DYN


def has(value: Any, key: str) -> bool:
    if type(value) is Optional:
        return bool(value.present) and has(value.inner, key)
    if type(value) is LazyFields:
        return bool(value.has(key))
    return isinstance(value, dict) and key in value


def optional_field(value: Any, key: str, read: Callable[[Any], Any] | None) -> Optional:
    if type(value) is Optional:
        return optional_field(value.inner, key, read) if value.present else NONE
    if not has(value, key):
        return NONE
    found = value.get(key)
    return Optional(found if read is None else read(found))


def optional_index(value: Any, key: Any, read: Callable[[Any], Any] | None) -> Optional:
    if type(value) is Optional:
        return optional_index(value.inner, key, read) if value.present else NONE
    found = find(value, key)
    if found is MISSING:
        return NONE
    return Optional(found if read is None else read(found))


def at(value: Any, key: Any) -> Any:
    """Return what is at an index or a key. Raises EvaluationError."""
    found = find(value, key)
    if found is not MISSING:
        return found
    if type(value) is list:
        raise EvaluationError(f"index out of bounds: {key}")
    raise EvaluationError(f"no such key: {key}")


def find(value: Any, key: Any) -> Any:
    if type(value) is list:
        number = _whole(key)
        return value[number] if 0 <= number < len(value) else MISSING
    if type(value) is dict:
        return find_key(value, key)
    if type(value) is LazyFields:
        return value.get(key) if value.has(key) else MISSING
    raise EvaluationError("no such overload")


def _whole(key: Any) -> int:
    if type(key) in (int, UInt) or (type(key) is float and key.is_integer()):
        return int(key)
    raise EvaluationError(f"unsupported index type '{type_of_value(key)}' in list")


def find_key(value: dict[Any, Any], key: Any) -> Any:
    if type(key) is str:
        return value.get(key, MISSING)
    # Python takes True for 1 and CEL does not.
    return next((found for one, found in value.items() if equal(one, key)), MISSING)


def contains(container: Any, value: Any) -> bool:
    """`value in container`."""
    if type(container) is list:
        return any(equal(one, value) for one in container)
    if type(container) is dict:
        return find_key(container, value) is not MISSING
    raise EvaluationError("no such overload")


def opened(value: Any) -> Optional:
    if type(value) is not Optional:
        raise EvaluationError("no such overload")
    return value
