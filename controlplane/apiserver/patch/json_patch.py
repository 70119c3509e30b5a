"""JSON patch, RFC 6902: a list of operations on paths, all or none."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec

from controlplane.api.codec import Document
from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.status import BadRequest, Invalid, StatusError, TooLarge
from controlplane.apiserver.nesting import too_deep

MAX_OPERATIONS = 10000
MAX_COPIED = 3 * 1024 * 1024  # bytes of JSON that the copies of one patch may add: copies of copies double each time

_MISSING = object()


class _DoesNotApply(Exception):
    """An operation refers to something that is not there."""


def apply(original: Document, patch: Any) -> Document:
    """Return the object after every operation. Raises BadRequest, TooLarge, Invalid."""
    operations = _checked(patch)
    document: Any = deepcopy(original)
    copied = 0
    for operation in operations:
        try:
            if operation["op"] == "copy":
                copied = _counted(copied, document, operation["from"])
            document = _OPERATIONS[operation["op"]](document, operation)
        except _DoesNotApply as error:
            raise _rejected(f"{operation['op']} operation does not apply: {error}") from error
    if too_deep(document):  # paths lead below paths: no operation need be deep itself
        raise _rejected("the patch makes the object exceed the max depth")
    if not isinstance(document, dict):
        raise _rejected("the patch replaces the object by something that is none")
    return document


def _counted(copied: int, document: Any, source: str) -> int:
    """Return how much has been copied, with what lies at `source`. Raises _DoesNotApply if that is too much."""
    copied += len(msgspec.json.encode(_get(document, source)))
    if copied > MAX_COPIED:
        raise _DoesNotApply(
            "Unable to complete the copy, the accumulated size increase of copy is "
            f"{copied}, exceeding the limit {MAX_COPIED}"
        )
    return copied


def _rejected(why: str) -> StatusError:
    """Upstream says only the first sentence; the cause tells kubectl's user which operation it was."""
    return Invalid(
        "the server rejected our request due to an error in our request",
        details=StatusDetails(causes=[StatusCause(reason="FieldValueInvalid", field="patch", message=why)]),
    )


def _checked(patch: Any) -> list[dict[str, Any]]:
    if not isinstance(patch, list):
        raise BadRequest("error decoding patch: a JSON patch must be a list of operations")
    if len(patch) > MAX_OPERATIONS:
        raise TooLarge(
            f"Request entity is too large: The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, "
            f"got {len(patch)}"
        )
    for operation in patch:
        _check(operation)
    return patch


def _check(operation: Any) -> None:
    if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
        raise BadRequest("error decoding patch: every operation needs a path")
    name = operation.get("op")
    if not isinstance(name, str) or name not in _OPERATIONS:
        raise _rejected(f"Unexpected kind: {name}")
    if name in ("move", "copy") and not isinstance(operation.get("from"), str):
        raise BadRequest(f"error decoding patch: {name} needs a path in from")


def _tokens(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise _DoesNotApply(f'path "{path}" does not start with a slash')
    return [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]


def _parent(document: Any, path: str) -> tuple[Any, str]:
    *way, last = _tokens(path)
    for token in way:
        document = _child(document, token, path)
    if not isinstance(document, dict | list):
        raise _DoesNotApply(f'doc is missing path: "{path}": missing value')
    return document, last


def _child(container: Any, token: str, path: str) -> Any:
    if isinstance(container, dict) and token in container:
        return container[token]
    if isinstance(container, list):
        return container[_index(container, token, len(container) - 1, path)]
    raise _DoesNotApply(f'doc is missing path: "{path}": missing value')


def _index(container: list[Any], token: str, highest: int, path: str) -> int:
    try:
        index = int(token)
    except ValueError:
        raise _DoesNotApply(f'"{token}" in "{path}" is not an index of a list') from None
    if index < 0:  # upstream's library counts these from the end
        index += highest + 1
    if not 0 <= index <= highest:
        raise _DoesNotApply(f'Unable to access invalid index: {token} in "{path}": invalid index referenced')
    return index


def _get(document: Any, path: str) -> Any:
    if not path:
        return document
    parent, last = _parent(document, path)
    return _child(parent, last, path)


def _put(document: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    parent, last = _parent(document, path)
    if isinstance(parent, dict):
        parent[last] = value
    else:
        parent.insert(len(parent) if last == "-" else _index(parent, last, len(parent), path), value)
    return document


def _take(document: Any, path: str) -> Any:
    if not path:
        raise _DoesNotApply("the whole object cannot be removed")
    parent, last = _parent(document, path)
    value = _child(parent, last, path)
    del parent[last if isinstance(parent, dict) else _index(parent, last, len(parent) - 1, path)]
    return value


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise _DoesNotApply("the operation has no value")
    return deepcopy(operation["value"])  # a later operation may change it, and it may be put in twice


def _add(document: Any, operation: dict[str, Any]) -> Any:
    return _put(document, operation["path"], _value(operation))


def _remove(document: Any, operation: dict[str, Any]) -> Any:
    _take(document, operation["path"])
    return document


def _replace(document: Any, operation: dict[str, Any]) -> Any:
    path, value = operation["path"], _value(operation)
    if not path:
        return value
    parent, last = _parent(document, path)
    _child(parent, last, path)
    parent[last if isinstance(parent, dict) else _index(parent, last, len(parent) - 1, path)] = value
    return document


def _move(document: Any, operation: dict[str, Any]) -> Any:
    source, path = operation["from"], operation["path"]
    if path.startswith(source + "/"):
        raise _DoesNotApply(f'"{source}" cannot be moved into itself')
    return _put(document, path, _take(document, source))


def _copy(document: Any, operation: dict[str, Any]) -> Any:
    return _put(document, operation["path"], deepcopy(_get(document, operation["from"])))


def _test(document: Any, operation: dict[str, Any]) -> Any:
    path, wanted = operation["path"], operation.get("value")
    try:
        found = _get(document, path)
    except _DoesNotApply:
        found = _MISSING
    if found is _MISSING and wanted is None:  # upstream's library takes a missing value for null
        return document
    if not _equal(found, wanted):
        raise _DoesNotApply(f"testing value {path} failed: test failed")
    return document


def _equal(one: Any, other: Any) -> bool:
    """JSON's equality: true is not 1, and 1 is 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


_OPERATIONS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
