"""How many seats a request takes: a wide list is many small ones.

Simplified from upstream's: a list takes one seat per hundred objects that are looked at, whatever their size; a write
takes one seat for as long as it is answered, and none for telling watchers, who are told in one go.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from controlplane.apiserver.catalog import Catalog
from controlplane.apiserver.messages import Query
from controlplane.apiserver.request_info import RequestInfo

_OBJECTS_PER_SEAT = 100
_WIDEST = 10  # seats
_WIDEST_SHARE = 0.15  # of a level's nominal seats

Count = Callable[[str, str, str, str], int]
"""Tells how many objects of a group, version and plural there are in a namespace ("": in all); 0 if that is unknown."""


def counted_in(catalog: Catalog) -> Count:
    """Return what counts the objects that are served."""

    def count(group: str, version: str, plural: str, namespace: str) -> int:
        storage = catalog.storages.get((group, version, plural))
        return storage.cache.count(f"{namespace}/" if namespace else "") if storage is not None else 0

    return count


def seats_of(info: RequestInfo, query: Query, count: Count, widest: int) -> int:
    """Return the seats of a request, from 1 to `widest`."""
    if info.name or not info.is_resource:
        return 1
    if info.verb == "watch":
        if not _sends_everything(query):
            return 1
    elif info.verb != "list":
        return 1
    objects = count(info.group, info.version, info.resource, info.namespace)
    return max(1, min(widest, ceil(objects / _OBJECTS_PER_SEAT)))


def _sends_everything(query: Query) -> bool:
    """Return whether a watch begins with all that is there, and so costs what a list does."""
    return query.flag("sendInitialEvents") or query.get("resourceVersion") in ("", "0")


def widest_request(nominal_seats: int, hand_size: int) -> int:
    """Return the most seats that one request of a level may take; some must be left for others of its hand."""
    if not hand_size:
        return _WIDEST
    return max(1, min(_WIDEST, ceil(nominal_seats * _WIDEST_SHARE), nominal_seats // hand_size))
