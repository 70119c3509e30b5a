"""One volume of one pod that is to be made: what its kind needs to know for that, gathered beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import Pod
from nodeagent.volumes.claims import Claimed
from nodeagent.volumes.csi.prepare import Prepared
from nodeagent.volumes.objects import Found


@dataclass(frozen=True, slots=True)
class Job:
    """Everything here is known already: to make the volume is then a matter of the file system alone."""

    pod: Pod
    source: Any  # what the volume says of itself: the ConfigMapVolumeSource of a config map, and so on
    path: Path  # the volume's own directory below the pod's
    stamp: str  # names a new generation of files
    objects: Found = field(default_factory=dict)
    tokens: Mapping[tuple[str, int], str] = field(default_factory=dict)  # by audience and seconds
    allocatable: Mapping[str, Quantity] = field(default_factory=dict)
    claimed: Claimed | None = None  # the persistent volume it is, for a claim
    csi: Prepared | None = None  # what a CSI driver is to be told

    @property
    def group(self) -> int | None:
        """The group that is to own the volume's files: the pod's fsGroup."""
        context = self.pod.spec.security_context
        return context.fs_group if context else None
