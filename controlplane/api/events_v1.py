"""io.k8s.api.events.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from controlplane.api.base import Int32, KubeStruct, MicroTime, Time
from controlplane.api.core_v1 import EventSource, ObjectReference
from controlplane.api.meta_v1 import ObjectMeta


class EventSeries(KubeStruct):
    count: Int32 | None = None
    last_observed_time: MicroTime | None = None


class Event(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    action: str = ""
    deprecated_count: Int32 | None = None
    deprecated_first_timestamp: Time | None = None
    deprecated_last_timestamp: Time | None = None
    deprecated_source: EventSource | None = None
    event_time: MicroTime | None = None
    note: str = ""
    reason: str = ""
    regarding: ObjectReference | None = None
    related: ObjectReference | None = None
    reporting_controller: str = ""
    reporting_instance: str = ""
    series: EventSeries | None = None
    type: str = ""
