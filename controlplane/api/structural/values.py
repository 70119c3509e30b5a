"""What is wrong with a value under a schema, in the words of upstream's validator.

    spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"

An update does not complain of what was wrong before: a value that is the same as in the old object is not looked at
(upstream's ratcheting, KEP-4008). Elements of a list have an old value if the list is a map, by its keys; the fields of
an object always do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from controlplane.api.status import FieldError
from controlplane.api.structural.formats import has_format, is_known
from controlplane.api.structural.schema import Node
from controlplane.api.validation.errors import invalid, not_supported, required, too_long

TYPE_INVALID = "FieldValueTypeInvalid"
BLOCKING = frozenset(
    {TYPE_INVALID, "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany"}
)
"""Mistakes that leave nothing for rules in CEL to say."""

_NOTHING = object()  # there is no old value
_NOWHERE = "<nil>"  # where upstream puts mistakes of a combination of schemas
_INT64, _EXACT = 2**63, 2**53  # beyond the second a float no longer tells whole numbers apart
_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}
_RANGES = {"int32": 2**31, "int64": 2**63}
_encoder = msgspec.json.Encoder(order="deterministic")


def validate(value: Any, node: Node, path: str = "") -> list[FieldError]:
    """Return what is wrong with a new value."""
    return list(_validate(value, _NOTHING, node, path))


def validate_update(new: Any, old: Any, node: Node, path: str = "") -> list[FieldError]:
    """Return what is wrong with a value that takes the place of another."""
    return list(_validate(new, old, node, path))


def _validate(value: Any, old: Any, node: Node, path: str) -> Iterator[FieldError]:
    if old is not _NOTHING and same(value, old):
        return
    if value is None:
        if not node.nullable:
            yield from _check_type(value, node, path)
        if not (node.nullable and "enum" not in node.raw):
            yield from _check_enum(value, node, path)
        return
    yield from _check_type(value, node, path)
    yield from _check_combinations(value, old, node, path)
    kind = type(value)
    if kind is str:
        yield from _check_text(value, node, path)
    elif kind is dict:
        yield from _check_object(value, old, node, path)
    elif kind is list:
        yield from _check_list(value, old, node, path)
    elif kind is int or kind is float:
        yield from _check_number(value, node, path)
    yield from _check_enum(value, node, path)


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are the same: to Python alone, True is 1."""
    if type(one) is not type(other) or one != other:
        return False
    if type(one) is dict:
        return all(same(inner, other[key]) for key, inner in one.items())
    if type(one) is list:
        return all(map(same, one, other))
    return True


# --- each sort of check


def _check_type(value: Any, node: Node, path: str) -> Iterator[FieldError]:
    wanted = ("integer", "string") if node.int_or_string else (node.type,) if node.type else ()
    if not wanted:
        return
    found = "null" if value is None else _NAMES[type(value)]
    if found == "integer" and not -_INT64 <= value < _INT64:
        found = "number"  # to Go it is a float
    if found in wanted or (found == "integer" and "number" in wanted):
        return
    if found == "number" and "integer" in wanted and abs(value) < _EXACT and float(value).is_integer():
        return
    yield type_invalid(path, found, ",".join(wanted), found)


def type_invalid(path: str, value: Any, wanted: str, found: Any) -> FieldError:
    """Return the mistake of a value that is no `wanted`."""
    shown = _quoted(found)
    return FieldError(
        TYPE_INVALID,
        path or _NOWHERE,
        f"Invalid value: {_shown(value)}: {_in_body(path)} must be of type {wanted}: {shown}",
    )


def _check_enum(value: Any, node: Node, path: str) -> Iterator[FieldError]:
    allowed = node.raw.get("enum")
    if allowed and not any(same(value, one) or _equal_numbers(value, one) for one in allowed):
        shown = [one if isinstance(one, str) else _encoder.encode(one).decode() for one in allowed]
        yield not_supported(path or _NOWHERE, value, shown)


def _equal_numbers(one: Any, other: Any) -> bool:
    return type(one) in (int, float) and type(other) in (int, float) and one == other


def _check_text(value: str, node: Node, path: str) -> Iterator[FieldError]:
    raw = node.raw
    if (most := raw.get("maxLength")) is not None and len(value) > most:
        yield too_long(path, most)
    if (least := raw.get("minLength")) is not None and len(value) < least:
        yield _wrong(path, value, f"should be at least {least} chars long")
    if node.pattern is not None and node.pattern.search(value) is None:
        yield _wrong(path, value, f"should match '{raw['pattern']}'")
    format_ = raw.get("format")
    if format_ and is_known(format_, node.type) and not has_format(value, format_):
        yield type_invalid(path, value, format_.replace("-", "") if format_ not in _DASHED else format_, value)


_DASHED = frozenset({"date-time", "k8s-short-name", "k8s-long-name"})


def _check_number(value: float, node: Node, path: str) -> Iterator[FieldError]:
    raw = node.raw
    if (step := raw.get("multipleOf")) and (quotient := value / step) != int(quotient):
        yield _wrong(path, value, f"should be a multiple of {_number(step)}")
    if (most := raw.get("maximum")) is not None:
        if raw.get("exclusiveMaximum") and value >= most:
            yield _wrong(path, value, f"should be less than {_number(most)}")
        elif value > most:
            yield _wrong(path, value, f"should be less than or equal to {_number(most)}")
    if (least := raw.get("minimum")) is not None:
        if raw.get("exclusiveMinimum") and value <= least:
            yield _wrong(path, value, f"should be greater than {_number(least)}")
        elif value < least:
            yield _wrong(path, value, f"should be greater than or equal to {_number(least)}")
    limit = _RANGES.get(raw.get("format") or "")
    if limit is not None and node.type == "integer" and not -limit <= value < limit:
        why = f"Checked value must be of type integer with format {raw['format']} in {path}"
        yield invalid(path, value, why)


def _check_object(value: dict[str, Any], old: Any, node: Node, path: str) -> Iterator[FieldError]:
    raw = node.raw
    if (most := raw.get("maxProperties")) is not None and len(value) > most:
        yield _too_many(path, len(value), most)
    if (least := raw.get("minProperties")) is not None and len(value) < least:
        yield _wrong(path, value, f"should have at least {least} properties")
    for name in raw.get("required") or ():
        if name not in value:
            yield required(_joined(path, name))
    before = old if type(old) is dict else {}
    for key, inner in value.items():
        below = node.properties.get(key)
        if below is None and isinstance(node.additional, Node):
            below = node.additional
        if below is not None:
            yield from _validate(inner, before.get(key, _NOTHING), below, _joined(path, key))
        elif node.additional is False and not node.preserves:
            yield invalid(_joined(path, key), "", f"{_joined(path, key)} in body is a forbidden property")


def _check_list(value: list[Any], old: Any, node: Node, path: str) -> Iterator[FieldError]:
    raw = node.raw
    if (most := raw.get("maxItems")) is not None and len(value) > most:
        yield _too_many(path, len(value), most)
    if (least := raw.get("minItems")) is not None and len(value) < least:
        yield _wrong(path, len(value), f"should have at least {least} items")
    if raw.get("uniqueItems") and len({_encoder.encode(one) for one in value}) < len(value):
        yield _wrong(path, value, "shouldn't contain duplicates")
    if node.items is None:
        return
    before = correlate(old, node)
    for index, inner in enumerate(value):
        yield from _validate(inner, before(inner), node.items, f"{path}[{index}]")


def correlate(old: Any, node: Node) -> Callable[[Any], Any]:
    """Return what finds, for an element of a list, the one it takes the place of; a marker where there is none."""
    if node.list_type != "map" or type(old) is not list:
        return lambda _: _NOTHING
    known = {_key_of(one, node): one for one in old}
    return lambda one: known.get(_key_of(one, node), _NOTHING)


def is_there(old: Any) -> bool:
    """Return whether `correlate` found anything."""
    return old is not _NOTHING


def _key_of(one: Any, node: Node) -> bytes:
    return _encoder.encode({key: one[key] for key in node.list_keys if key in one} if type(one) is dict else one)


def _check_combinations(value: Any, old: Any, node: Node, path: str) -> Iterator[FieldError]:
    if node.any_of:
        tried = _tried(value, old, node.any_of, path)
        if all(tried):
            yield _combination(path, "must validate at least one schema (anyOf)")
            yield from min(tried, key=len)
    if node.one_of:
        tried = _tried(value, old, node.one_of, path)
        fitting = tried.count([])
        if fitting == 0:
            yield _combination(path, "must validate one and only one schema (oneOf). Found none valid")
            yield from min(tried, key=len)
        elif fitting > 1:
            yield _combination(
                path, f"must validate one and only one schema (oneOf). Found {fitting} valid alternatives"
            )
    if node.all_of:
        tried = _tried(value, old, node.all_of, path)
        if any(tried):
            none = ". None validated" if all(tried) else ""
            yield _combination(path, f"must validate all the schemas (allOf){none}")
            for mistakes in tried:
                yield from mistakes
    if node.negated is not None and not any(True for _ in _validate(value, _NOTHING, node.negated, path)):
        yield _combination(path, "must not validate the schema (not)")


def _tried(value: Any, old: Any, nodes: Iterable[Node], path: str) -> list[list[FieldError]]:
    return [list(_validate(value, old, one, path)) for one in nodes]


# --- words


def _wrong(path: str, value: Any, why: str) -> FieldError:
    return invalid(path or _NOWHERE, value, f"{_in_body(path)} {why}")


def _combination(path: str, why: str) -> FieldError:
    return invalid(_NOWHERE, "", f"{_quoted(path)} {why}")


def _too_many(path: str, found: int, most: int) -> FieldError:
    return FieldError("FieldValueTooMany", path or _NOWHERE, f"Too many: {found}: must have at most {most} items")


def _in_body(path: str) -> str:
    return f"{path} in body" if path else "in body"


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _number(value: float) -> str:
    """Return a number as Go's %v has it."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e21 else repr(float(value))


def _quoted(value: Any) -> str:
    return _encoder.encode(value).decode() if isinstance(value, str) else f'"{_encoder.encode(value).decode()}"'


def _shown(value: Any) -> str:
    return _encoder.encode(value).decode()
