"""Cells that many kinds share: durations, labels, lists that are cut short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from controlplane.api.core_v1 import Container
from controlplane.api.meta_v1 import LabelSelector
from controlplane.api.selectors import SelectorError, label_selector
from controlplane.kit.timestamps import parse_time

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
_SHOWN = 3  # elements of a list before "+ 4 more..."


def human_duration(seconds: float) -> str:
    """Return a duration as kubectl words it: two units while the first is small, then one.

    A clock that is up to two seconds ahead of ours is forgiven.
    """
    if seconds <= -2:
        return "<invalid>"
    whole = int(max(0.0, seconds))
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 10 * _MINUTE:
        return _two(whole, _MINUTE, "m", 1, "s")
    if whole < 3 * _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 8 * _HOUR:
        return _two(whole, _HOUR, "h", _MINUTE, "m")
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h"
    if whole < 8 * _DAY:
        return _two(whole, _DAY, "d", _HOUR, "h")
    if whole < 2 * _YEAR:
        return f"{whole // _DAY}d"
    return _two(whole, _YEAR, "y", _DAY, "d") if whole < 8 * _YEAR else f"{whole // _YEAR}y"


def _two(seconds: int, first: int, first_unit: str, second: int, second_unit: str) -> str:
    rest = seconds % first // second
    return f"{seconds // first}{first_unit}" + (f"{rest}{second_unit}" if rest else "")


def age(time: str | None, now: datetime) -> str:
    """Return how long ago a time was."""
    return human_duration((now - parse_time(time)).total_seconds()) if time else UNKNOWN


def or_none(text: str) -> str:
    return text or NONE


def yes_or_no(value: bool | None) -> str:
    """A boolean as upstream prints those that may be unset."""
    return UNSET if value is None else str(value)


def labels(pairs: Mapping[str, str]) -> str:
    """app=nginx,tier=web"""
    return or_none(",".join(f"{key}={pairs[key]}" for key in sorted(pairs)))


def selector(value: LabelSelector | None) -> str:
    """app=nginx,tier in (a,b)"""
    if value is None:
        return NONE
    try:
        return or_none(str(label_selector(value)))
    except SelectorError:
        return "<error>"


def container_names(containers: Sequence[Container]) -> str:
    return ",".join(container.name for container in containers)


def container_images(containers: Sequence[Container]) -> str:
    return ",".join(container.image for container in containers)


def shortened(texts: Iterable[str]) -> str:
    """10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 7 more..."""
    everything = list(texts)
    shown = ",".join(everything[:_SHOWN])
    more = len(everything) - _SHOWN
    return f"{shown} + {more} more..." if more > 0 else shown


def host_port(host: str, port: int | None) -> str:
    """10.0.0.1:80, [fd00::1]:80"""
    return f"[{host}]:{port or 0}" if ":" in host else f"{host}:{port or 0}"
