"""The order of a merged list: what the patch names in the patch's order, the rest where the server had it.

Elements new to the server come before those the patch does not know: [a, b] patched with [c] is [c, a, b], as upstream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_NOWHERE = -1


def in_patch_order(merged: Sequence[Any], order: Sequence[Any], server: Sequence[Any], key: str) -> list[Any]:
    """Return the merged elements in order; `key` tells objects apart, scalars are themselves."""
    in_patch = _positions(order, key)
    on_server = _positions(server, key)
    named = [item for item in merged if _identity(item, key) in in_patch]
    others = [item for item in merged if _identity(item, key) not in in_patch]
    named.sort(key=lambda item: in_patch[_identity(item, key)])
    others.sort(key=lambda item: on_server.get(_identity(item, key), _NOWHERE))
    return _interleave(others, named, on_server, key)


def _positions(items: Sequence[Any], key: str) -> dict[Any, int]:
    positions: dict[Any, int] = {}
    for position, item in enumerate(items):
        positions.setdefault(_identity(item, key), position)
    return positions


def _identity(item: Any, key: str) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _interleave(others: list[Any], named: list[Any], on_server: dict[Any, int], key: str) -> list[Any]:
    """Put each of `others` before the first of `named` that the server had behind it."""
    result: list[Any] = []
    waiting = iter(others)
    other = next(waiting, None)
    for item in named:
        position = on_server.get(_identity(item, key), _NOWHERE)
        while other is not None and on_server.get(_identity(other, key), _NOWHERE) < position:
            result.append(other)
            other = next(waiting, None)
        result.append(item)
    return result if other is None else [*result, other, *waiting]
