"""When a device was tainted: now, unless the taint says.

Upstream has this among the defaults, which ask the clock; ours do not, so no flag turns it off here either.
"""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time

GROUP = "resource.k8s.io"


class DeviceTaintTimes(Plugin):
    """Dates the taints of slices and of taint rules."""

    name = "DeviceTaintTimes"
    looks_at = frozenset({"devicetaintrules.resource.k8s.io", "resourceslices.resource.k8s.io"})

    def __init__(self, clock: Clock):
        self._clock = clock

    async def mutate(self, attributes: Attributes) -> None:
        for taint in _taints(attributes):
            taint["timeAdded"] = taint.get("timeAdded") or format_time(self._clock.now())


def _taints(attributes: Attributes) -> Iterator[Document]:
    spec = (attributes.document or {}).get("spec") or {}
    if attributes.is_for("resourceslices", Operation.CREATE, Operation.UPDATE, group=GROUP):
        for device in spec.get("devices") or ():
            yield from device.get("taints") or ()
    elif attributes.is_for("devicetaintrules", Operation.CREATE, Operation.UPDATE, group=GROUP) and spec.get("taint"):
        yield spec["taint"]
