"""YAML as a document. What YAML can do and JSON cannot is refused before it costs anything.

A kilobyte of aliases can stand for a billion values, an alias can contain itself, and the parser that builds values
calls itself for each level of nesting. So the events of a body, which come one by one whatever it holds, are counted
first; only a body that is as small and as flat as it looks is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from controlplane.apiserver.nesting import DEEPEST


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as Go reads it: a plain = is text."""


_Loader.add_constructor("tag:yaml.org,2002:value", _Loader.construct_scalar)
_LOADER = _Loader

_HARMLESS = 1000  # values that aliases may always stand for


class YamlError(ValueError):
    """A body that is no YAML, or no YAML that we are ready to load."""


def read_yaml(body: bytes) -> Any:
    """Return the values of a body as JSON knows them: a date is text. Raises YamlError."""
    try:
        _check(body)
        return msgspec.json.decode(msgspec.json.encode(yaml.load(body, Loader=_LOADER)))
    except YamlError:
        raise
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise YamlError(f"yaml: {error}") from error


@dataclass(slots=True)
class _Collection:
    """A list or mapping whose end is still to come."""

    anchor: str | None
    size: int = 1  # values in it, with those that its aliases stand for


def _check(body: bytes) -> None:
    """Raise YamlError if a body is deeper or, once loaded, far larger than it looks."""
    open_ = [_Collection(None)]
    anchored: dict[str | None, int] = {}
    written = 0
    for event in yaml.parse(body, Loader=_LOADER):
        written += 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append(_Collection(event.anchor))
            if len(open_) > DEEPEST:
                raise YamlError(f"yaml: exceeded max depth of {DEEPEST}")
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = open_.pop()
            anchored[closed.anchor] = closed.size
            open_[-1].size += closed.size
        elif isinstance(event, yaml.AliasEvent):
            if any(one.anchor == event.anchor for one in open_):
                raise YamlError(f"yaml: anchor '{event.anchor}' value contains itself")
            open_[-1].size += anchored.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            anchored[event.anchor] = 1
            open_[-1].size += 1
    _check_size(open_[0].size, written)


def _check_size(size: int, written: int) -> None:
    aliased = size - written
    if size > _HARMLESS and aliased > _allowed_share(size) * size:
        raise YamlError("yaml: document contains excessive aliasing")


def _allowed_share(size: int) -> float:
    """Return how much of a body aliases may stand for: nearly all of a small one, little of a large one.

    The numbers are those of the Go library that upstream reads YAML with.
    """
    small, large = 400_000, 4_000_000
    if size <= small:
        return 0.99
    if size >= large:
        return 0.10
    return 0.99 - 0.89 * (size - small) / (large - small)
