"""io.k8s.api.events.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType

from controlplane.api.base import Int32, KubeStruct, MicroTime, Time, always
from controlplane.api.core_v1 import EventSource, ObjectReference
from controlplane.api.meta_v1 import ObjectMeta


class EventSeries(KubeStruct):
    count: Int32 = always(int)
    last_observed_time: MicroTime | None = always(NoneType)


class Event(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    action: str = ""
    deprecated_count: Int32 | None = None
    deprecated_first_timestamp: Time | None = always(NoneType)
    deprecated_last_timestamp: Time | None = always(NoneType)
    deprecated_source: EventSource | None = None
    event_time: MicroTime | None = always(NoneType)
    note: str = ""
    reason: str = ""
    regarding: ObjectReference = always(ObjectReference)
    related: ObjectReference | None = None
    reporting_controller: str = ""
    reporting_instance: str = ""
    series: EventSeries | None = None
    type: str = ""
