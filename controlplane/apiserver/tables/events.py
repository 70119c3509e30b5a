"""kubectl get events, of both API groups: the same record under two sets of names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controlplane.api import core_v1, events_v1
from controlplane.api.core_v1 import EventSource, ObjectReference
from controlplane.apiserver.tables.printer import Cell, Column, Printer, wide
from controlplane.apiserver.tables.texts import age


@dataclass(frozen=True, slots=True)
class _Times:
    first: str | None
    last: str | None
    event: str | None
    last_in_series: str | None
    count: int | None
    count_in_series: int | None

    def seen(self, now: datetime) -> tuple[str, str, int]:
        """First, last, how often."""
        first = age(self.first or self.event, now)
        if self.count_in_series is not None:
            return first, age(self.last_in_series, now), self.count_in_series
        # An event of the new API that happened once has no count.
        return first, age(self.last, now) if self.last else first, self.count or 1


def _cells(event: core_v1.Event | events_v1.Event, times: _Times, about: _About, now: datetime) -> list[Cell]:
    first, last, count = times.seen(now)
    target = about.object or ObjectReference()
    return [
        last,
        event.type,
        event.reason,
        f"{target.kind.lower()}/{target.name}" if target.name else target.kind.lower(),
        target.field_path,
        _source(about),
        about.message.strip(),
        first,
        count,
        event.metadata.name,
    ]


@dataclass(frozen=True, slots=True)
class _About:
    object: ObjectReference | None
    source: EventSource | None
    controller: str
    instance: str
    message: str


def _source(about: _About) -> str:
    """kubelet, n1"""
    source = about.source or EventSource()
    component, instance = (source.component, source.host) if source.component else (about.controller, about.instance)
    return ", ".join(part for part in (component, instance) if part)


def _core_event(event: core_v1.Event, now: datetime) -> list[Cell]:
    series = event.series
    times = _Times(
        event.first_timestamp,
        event.last_timestamp,
        event.event_time,
        series.last_observed_time if series else None,
        event.count,
        (series.count or 0) if series else None,
    )
    about = _About(
        event.involved_object, event.source, event.reporting_component, event.reporting_instance, event.message
    )
    return _cells(event, times, about, now)


def _new_event(event: events_v1.Event, now: datetime) -> list[Cell]:
    series = event.series
    times = _Times(
        event.deprecated_first_timestamp,
        event.deprecated_last_timestamp,
        event.event_time,
        series.last_observed_time if series else None,
        event.deprecated_count,
        (series.count or 0) if series else None,
    )
    about = _About(
        event.regarding, event.deprecated_source, event.reporting_controller, event.reporting_instance, event.note
    )
    return _cells(event, times, about, now)


_COLUMNS = (
    Column("Last Seen"),
    Column("Type"),
    Column("Reason"),
    Column("Object"),
    wide("Subobject"),
    wide("Source"),
    Column("Message"),
    wide("First Seen"),
    wide("Count"),
    Column("Name", format="name", priority=1),
)
CORE_EVENT = Printer(_COLUMNS, _core_event)
NEW_EVENT = Printer(_COLUMNS, _new_event)
