"""Server-side apply: a manager says what it wants, and gets exactly that, unless another manager wants otherwise.

```
 live: replicas 3 (kubectl), image nginx:1 (ci)
                                            ci applies {image: nginx:2}                image nginx:2
                                            ci applies {image: nginx:2, replicas: 5}   409: .spec.replicas is kubectl's
                                            ... with force                             replicas 5, and ci's from now on
                                            ci applies {}                              no image: nobody wants it
```

First the configuration is merged into the object, then what the manager applied before and nobody wants any more is
pruned, then everybody else's fields are compared with what has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controlplane.api.codec import Document, without_nulls
from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.status import BadRequest, Conflict
from controlplane.apiserver.patch.field_changes import applied_fields, changed_fields
from controlplane.apiserver.patch.field_set import (
    FieldSet,
    by_element,
    difference,
    element,
    intersection,
    is_member,
    merge_sets,
    paths,
)
from controlplane.apiserver.patch.managed_fields import (
    APPLY,
    UNMANAGED,
    UPDATE,
    Entry,
    Manager,
    decode_entries,
    encode_entries,
)
from controlplane.apiserver.patch.schema import Kind, Schema


def server_side_apply(
    live: Document,
    configuration: Document,
    schema: Schema,
    *,
    manager: str,
    force: bool,
    time: str,
    subresource: str = "",
) -> Document:
    """Return the object with the configuration applied; `live` is {} when there is none yet, and stays as it is.

    `time` is RFC 3339. Raises BadRequest, and Conflict with a cause for each field that others manage.
    """
    if (configuration.get("metadata") or {}).get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    wanted = _within(without_nulls(configuration), schema, subresource)
    me = Manager(manager, APPLY, configuration.get("apiVersion") or "", subresource)
    entries = decode_entries(live)
    before = next((entry for entry in entries if entry.manager.same(me)), Entry(me, {}))
    others = [entry for entry in entries if not entry.manager.same(me)]
    mine = difference(applied_fields(wanted, schema), UNMANAGED)

    merged = _merge(live, wanted, schema)
    owned = mine
    for entry in others:
        owned = merge_sets(owned, entry.fields)
    result: Document = _pruned(merged, before.fields, owned, schema) or {}

    changed, removed = changed_fields(live, result, schema)
    changed, removed = difference(changed, UNMANAGED), difference(removed, UNMANAGED)
    conflicts = [(entry, both) for entry in others if (both := intersection(entry.fields, changed))]
    if conflicts and not force:
        raise _conflict(conflicts)
    kept = [
        Entry(entry.manager, difference(difference(entry.fields, changed), removed), entry.time) for entry in others
    ]
    unchanged = not changed and not removed and mine == before.fields
    result["metadata"] = dict(result.get("metadata") or {})
    encode_entries(result, [*kept, Entry(me, mine, before.time if unchanged else time)])
    return result


def merge_configuration(live: Document, configuration: Document, schema: Schema) -> Document:
    """Return an object with a configuration merged into it; who manages what is not noted. Raises BadRequest."""
    result: Document = _merge(live, configuration, schema)
    return result


def _within(configuration: Document, schema: Schema, subresource: str) -> Document:
    """Return the part of a configuration that may be applied here: status at its own door, and only there."""
    if "status" not in schema.fields or not schema.own_status:
        return configuration
    if subresource == "status":
        return {key: value for key, value in configuration.items() if key != "spec"}
    return {key: value for key, value in configuration.items() if key != "status"}


def _merge(live: Any, wanted: Any, schema: Schema) -> Any:
    if schema.atomic:
        return wanted
    if isinstance(live, dict) and isinstance(wanted, dict) and schema.kind is not Kind.ANY:
        return live | {
            key: _merge(live[key], value, schema.field(key)) if key in live else value for key, value in wanted.items()
        }
    if isinstance(live, list) and isinstance(wanted, list) and (schema.keys or schema.is_set):
        return _merge_lists(live, wanted, schema)
    return wanted


def _merge_lists(live: list[Any], wanted: list[Any], schema: Schema) -> list[Any]:
    """Elements that only the server has keep their place before those that both have; new ones follow."""
    mine = by_element(wanted, schema)
    theirs = by_element(live, schema)
    if mine is None:
        raise BadRequest("failed to create typed patch object: the elements of a list have no or the same keys")
    if theirs is None:
        return wanted
    result = []
    waiting = list(theirs)
    for name, item in mine.items():
        while waiting and waiting[0] not in mine:
            result.append(theirs[waiting.pop(0)])
        if name in theirs:
            item = _merge(theirs[name], item, schema.field(""))
            waiting.remove(name)
        result.append(item)
    return result + [theirs[name] for name in waiting]


def _pruned(value: Any, before: FieldSet, owned: FieldSet, schema: Schema) -> Any:
    """Return a value without what was applied before and nobody owns now; None when that empties it."""
    if not before or not value:
        return value
    if isinstance(value, dict):
        result = {
            key: kept
            for key, inner in value.items()
            if (kept := _pruned_part(inner, f"f:{key}", before, owned, schema.field(key))) is not None
        }
        return result or None
    if isinstance(value, list) and (schema.keys or schema.is_set):
        parts = [(element(item, schema), item) for item in value]
        left = [
            kept
            for name, item in parts
            if (kept := _pruned_part(item, name or "", before, owned, schema.field(""))) is not None
        ]
        return left or None
    return value


def _pruned_part(value: Any, name: str, before: FieldSet, owned: FieldSet, schema: Schema) -> Any:
    was_mine, is_owned = before.get(name), owned.get(name)
    if was_mine is None:
        return value
    if is_owned is None:
        return None if is_member(was_mine) else _pruned(value, was_mine, {}, schema)
    return _pruned(value, was_mine, is_owned, schema)


def _conflict(conflicts: Sequence[tuple[Entry, FieldSet]]) -> Conflict:
    found = [(_shown(entry), path) for entry, fields in conflicts for path in paths(fields)]
    causes = [
        StatusCause(reason="FieldManagerConflict", message=f"conflict with {who}", field=path) for who, path in found
    ]
    return Conflict(_message(found), details=StatusDetails(causes=causes))


def _message(found: Sequence[tuple[str, str]]) -> str:
    if len(found) == 1:
        who, path = found[0]
        return f"Apply failed with 1 conflict: conflict with {who}: {path}"
    lines = []
    for who in sorted({who for who, _ in found}):
        lines.append(f"conflicts with {who}:")
        lines += [f"- {path}" for one, path in found if one == who]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)


def _shown(entry: Entry) -> str:
    """ "kubectl" using apps/v1"""
    manager = entry.manager
    shown = f'"{manager.name}"'
    if manager.subresource:
        shown += f' with subresource "{manager.subresource}"'
    return f"{shown} using {manager.api_version}" if manager.operation == UPDATE else shown
