"""Strategic merge patch: a merge patch that knows which lists are sets of named things.

Besides values a patch may carry directives: `$patch` (replace, delete, merge), `$retainKeys`, and for a list x
`$setElementOrder/x` and `$deleteFromPrimitiveList/x`. Their meaning is upstream's.

```
 containers: [{name: web, image: nginx:1, tty: true}, {name: log}]
 + containers: [{name: web, image: nginx:2}, {$patch: delete, name: log}]
 = containers: [{name: web, image: nginx:2, tty: true}]
```
"""

from __future__ import annotations

from typing import Any

from controlplane.api.codec import Document
from controlplane.api.status import BadRequest
from controlplane.apiserver.patch.element_order import in_patch_order
from controlplane.apiserver.patch.schema import ANY, Kind, Schema

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def merge(original: Document, patch: Document, schema: Schema) -> Document:
    """Return the object after the patch; what is not touched is shared with the original. Raises BadRequest."""
    directive = patch.get(_PATCH)
    if directive is not None:
        if directive == "replace":
            return {key: _without_directives(value) for key, value in patch.items() if key != _PATCH}
        if directive == "delete":
            return {}
        if directive != "merge":
            raise BadRequest(f"unknown patch type found: {directive} in map")
    result = _retained(original, patch)
    lists: dict[str, None] = {}
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_field(result, key, value, schema.field(key), lists)
        elif key.startswith((_ORDER, _DELETE)):
            lists[key.partition("/")[2]] = None
    for name in lists:
        _merge_list(result, name, patch, schema.field(name))
    return result


def _retained(original: Document, patch: Document) -> Document:
    if _RETAIN not in patch:
        return dict(original)
    kept = patch[_RETAIN]
    if not isinstance(kept, list) or any(
        key not in kept for key, value in patch.items() if not key.startswith("$") and value is not None
    ):
        raise BadRequest("invalid patch format of retainKeys: the list does not hold every field of the patch")
    return {key: value for key, value in original.items() if key in kept}


def _merge_field(result: Document, key: str, value: Any, schema: Schema, lists: dict[str, None]) -> None:
    held = result.get(key)
    if value is None:
        result.pop(key, None)
    elif isinstance(value, list) and schema.merges:
        lists[key] = None
    elif isinstance(value, dict) and isinstance(held, dict) and not schema.replaces:
        result[key] = merge(held, value, schema)
    elif isinstance(value, dict) and value.get(_PATCH) == "delete":
        result.pop(key, None)
    else:
        result[key] = _without_directives(value)


def _merge_list(result: Document, name: str, patch: Document, schema: Schema) -> None:
    """Merge one list with everything the patch says of it."""
    held = result.get(name)
    original: list[Any] = held if isinstance(held, list) else []
    changes = _list_of(patch, name)
    dropped = _list_of(patch, _DELETE + name)
    merged = [value for value in original if value not in dropped] if dropped else original
    by_key = schema.merge_key if schema.kind is Kind.LIST and schema.merges else ""
    order = _list_of(patch, _ORDER + name)
    if schema.merges:
        _check_identities([*changes, *order], by_key, name)
    if by_key:
        merged = _merge_objects(merged, changes, by_key, schema.items or ANY)
    elif schema.merges:
        merged = _merge_scalars(merged, changes)
    elif name in patch:
        merged = changes  # replaced as a whole; an order says nothing about it
    if order and schema.merges:
        _check_order(changes, order, by_key, name)
        merged = in_patch_order(merged, order, original, by_key)
    elif changes and schema.merges:
        merged = in_patch_order(merged, [one for one in changes if not _is_directive(one)], original, by_key)
    if merged or held is not None or name in patch:
        result[name] = merged


def _list_of(patch: Document, key: str) -> list[Any]:
    value = patch.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"invalid patch format of {key}: it must be a list")
    return value


def _is_directive(item: Any) -> bool:
    return isinstance(item, dict) and item.get(_PATCH) in ("delete", "replace")


def _merge_scalars(original: list[Any], changes: list[Any]) -> list[Any]:
    return list(dict.fromkeys([*original, *changes]))


def _merge_objects(original: list[Any], changes: list[Any], key: str, schema: Schema) -> list[Any]:
    if any(isinstance(one, dict) and one.get(_PATCH) == "replace" for one in changes):
        return [_without_directives(one) for one in changes if not _is_directive(one)]
    merged = list(original)
    for change in changes:
        _merge_object(merged, change, key, schema)
    return merged


def _merge_object(merged: list[Any], change: Any, key: str, schema: Schema) -> None:
    if not isinstance(change, dict) or key not in change:
        raise BadRequest(f"map: {change} does not contain declared merge key: {key}")
    found = [index for index, item in enumerate(merged) if isinstance(item, dict) and item.get(key) == change[key]]
    if change.get(_PATCH) == "delete":
        for index in reversed(found):
            del merged[index]
    elif found:
        merged[found[0]] = merge(merged[found[0]], change, schema)
    else:
        merged.append(_without_directives(change))


def _check_order(changes: list[Any], order: list[Any], key: str, name: str) -> None:
    """Every element that is changed must be in the order list, and in its order."""
    wanted = [_identity(one, key) for one in order]
    named = [_identity(one, key) for one in changes if not _is_directive(one)]
    positions = [wanted.index(one) if one in wanted else -1 for one in named]
    if -1 in positions or positions != sorted(positions):
        raise BadRequest(f"The order in patch list: {named} doesn't match {_ORDER}{name} list: {wanted}")


def _check_identities(items: list[Any], key: str, name: str) -> None:
    """What tells elements apart must be a scalar: nothing else is ever the same as another."""
    for item in items:
        if isinstance(_identity(item, key), dict | list):
            raise BadRequest(f"invalid patch format of {name}: {item} has no scalar to tell it from others")


def _identity(item: Any, key: str) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _without_directives(value: Any) -> Any:
    """Return a patch's value as a value: without nulls and directives, which have nothing to work on."""
    if isinstance(value, dict):
        return {
            key: _without_directives(inner)
            for key, inner in value.items()
            if inner is not None and not key.startswith((_PATCH, _RETAIN, _ORDER, _DELETE))
        }
    if isinstance(value, list):
        return [_without_directives(inner) for inner in value if not _is_directive(inner)]
    return value
