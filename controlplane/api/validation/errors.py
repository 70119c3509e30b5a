"""One way to say each kind of mistake: `spec.replicas: Invalid value: -1: must be greater than or equal to 0`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from controlplane.api.status import FieldError

IMMUTABLE = "field is immutable"


def invalid(path: str, value: Any, why: str) -> FieldError:
    return FieldError("FieldValueInvalid", path, f"Invalid value: {shown(value)}{_because(why)}")


def wrong(path: str, why: str) -> FieldError:
    """A mistake of the whole, where showing the value would not help."""
    return FieldError("FieldValueInvalid", path, f"Invalid value: {why}")


def required(path: str, why: str = "") -> FieldError:
    return FieldError("FieldValueRequired", path, f"Required value{_because(why)}")


def not_supported(path: str, value: Any, supported: Iterable[str]) -> FieldError:
    listed = ", ".join(shown(one) for one in supported)
    return FieldError("FieldValueNotSupported", path, f"Unsupported value: {shown(value)}: supported values: {listed}")


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError("FieldValueDuplicate", path, f"Duplicate value: {shown(value)}")


def forbidden(path: str, why: str) -> FieldError:
    return FieldError("FieldValueForbidden", path, f"Forbidden{_because(why)}")


def not_found(path: str, value: Any) -> FieldError:
    return FieldError("FieldValueNotFound", path, f"Not found: {shown(value)}")


def too_long(path: str, limit: int) -> FieldError:
    """`limit` is in bytes."""
    return FieldError("FieldValueTooLong", path, f"Too long: may not be more than {limit} bytes")


def too_many(path: str, count: int, limit: int) -> FieldError:
    return FieldError("FieldValueTooMany", path, f"Too many: {count}: must have at most {limit} items")


def internal(path: str, why: str) -> FieldError:
    return FieldError("InternalError", path, f"Internal error{_because(why)}")


def shown(value: Any) -> str:
    """Return a value as upstream's messages show it: text quoted, objects as JSON with their keys in order."""
    if isinstance(value, str | bool | int | float) or value is None:
        return _encoder.encode(value).decode()
    return _encoder.encode(msgspec.to_builtins(value)).decode()


_encoder = msgspec.json.Encoder(order="deterministic")


def _because(why: str) -> str:
    return f": {why}" if why else ""


def checked(path: str, value: Any, problems: Iterable[str]) -> list[FieldError]:
    """Return an error for each problem that a check of `controlplane.api.names` found in `value`."""
    return [invalid(path, value, problem) for problem in problems]


def at_least_zero(path: str, number: int | None) -> list[FieldError]:
    if number is None or number >= 0:
        return []
    return [invalid(path, number, "must be greater than or equal to 0")]


def immutable(path: str, new: Any, old: Any) -> list[FieldError]:
    """Refuse a change; an empty list or map is what Go calls null."""
    return [] if new == old else [invalid(path, None if new in ([], {}) else new, IMMUTABLE)]


def one_of(path: str, value: str, supported: Sequence[str]) -> list[FieldError]:
    """Return the error of a text that must be there and be one of a few."""
    if not value:
        return [required(path)]
    return [] if value in supported else [not_supported(path, value, supported)]
