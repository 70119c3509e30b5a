"""How the fake API changes documents: the patch types, in their plainest form."""

from __future__ import annotations

import copy
from typing import Any

from controlplane.api.codec import Document

# By which field strategic merge patch recognises the entries of a list; other lists are replaced.
_MERGE_KEYS = {
    "conditions": "type",
    "addresses": "type",
    "ownerReferences": "uid",
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "secrets": "name",
    "imagePullSecrets": "name",
}


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def strategic_patch(target: Any, patch: Any) -> Any:
    """Like a merge patch, but lists of things with an identity merge by it."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            merged[name] = [item for item in merged.get(name, []) if item not in value]
        elif key == "finalizers" and isinstance(value, list):
            merged[key] = list(dict.fromkeys([*merged.get(key, []), *value]))
        elif key in _MERGE_KEYS and isinstance(value, list):
            merged[key] = _merge_list(merged.get(key) or [], value, _MERGE_KEYS[key])
        elif value is None:
            merged.pop(key, None)
        elif not key.startswith("$"):
            merged[key] = strategic_patch(merged.get(key), value)
    return merged


def _merge_list(target: list[Any], patch: list[Any], key: str) -> list[Any]:
    replaces = {"$patch": "replace"} in patch
    entries = {} if replaces else {entry[key]: entry for entry in target}
    for entry in patch:
        if key not in entry:
            continue  # a directive for the whole list
        if entry.get("$patch") == "delete":
            entries.pop(entry[key], None)
        else:
            entries[entry[key]] = strategic_patch(entries.get(entry[key]), entry)
    return list(entries.values())


def json_patch(target: Document, operations: list[Any]) -> Document:
    """RFC 6902's add, replace, remove and test. Raises ValueError when a test fails, KeyError on a missing path."""
    changed = copy.deepcopy(target)
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        at: Any = changed
        for part in parents:
            at = at[int(part)] if isinstance(at, list) else at[part]
        _operate(at, last, operation)
    return changed


def _operate(at: Any, last: str, operation: Any) -> None:
    index: Any = last if isinstance(at, dict) else len(at) if last == "-" else int(last)
    match operation["op"]:
        case "add" if isinstance(at, list):
            at.insert(index, operation["value"])
        case "add" | "replace":
            at[index] = operation["value"]
        case "remove":
            del at[index]
        case "test":
            if at[index] != operation["value"]:
                raise ValueError(f"test of {operation['path']} failed")


def field_at(document: Document, path: str) -> str:
    """Return the text of a field as field selectors name it: spec.nodeName; absent reads as ""."""
    at: Any = document
    for part in path.split("."):
        at = at.get(part, "") if isinstance(at, dict) else ""
    return at if isinstance(at, str) else str(at)
