"""The kinds of volume, one row and one file each: how it is made, and how its directory is taken away again.

A row serves a field of a pod's volume, a field of a persistent volume, or both. What has no row is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from controlplane.api.core_v1 import Volume
from nodeagent.volumes import (
    config_map,
    downward,
    empty_dir,
    host_path,
    local,
    nfs,
    projected,
    removal,
    secret,
)
from nodeagent.volumes.claims import Claimed, claim_name
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job


@dataclass(frozen=True, slots=True)
class Kind:
    """How volumes of one kind are made and taken away; both block."""

    name: str  # upstream's plug-in is kubernetes.io/NAME
    set_up: Callable[[Job], Path]  # returns what is to be mounted. Raises VolumeFailed, OSError
    field: str = ""  # in a pod's volume
    persistent: str = ""  # in a persistent volume
    tear_down: Callable[[Path], None] = removal.delete  # of the volume's own directory. Raises OSError
    read_only: bool = False  # whether containers may only read, whatever they ask for

    @property
    def directory(self) -> str:
        return f"kubernetes.io~{self.name}"


KINDS = (
    Kind("empty-dir", empty_dir.set_up, "empty_dir"),
    Kind("configmap", config_map.set_up, "config_map", read_only=True),
    Kind("secret", secret.set_up, "secret", read_only=True),
    Kind("downward-api", downward.set_up, "downward_api", read_only=True),
    Kind("projected", projected.set_up, "projected", read_only=True),
    Kind("host-path", host_path.set_up, "host_path", "host_path"),
    Kind("local-volume", local.set_up, "", "local", removal.release),
    Kind("nfs", nfs.set_up, "nfs", "nfs", removal.release),
)

CSI = "csi"  # its row is made where the drivers are known

_UNSUPPORTED = "volumes of this type are not supported by this node agent: {}"


class Kinds:
    """The table, with the rows that depend on what runs on this node."""

    def __init__(self, *more: Kind):
        self._more = more

    @property
    def rows(self) -> tuple[Kind, ...]:
        return (*KINDS, *self._more)

    def of(self, volume: Volume, claimed: Claimed | None) -> tuple[Kind, Any]:
        """Return a volume's kind and what it says of itself. Raises VolumeFailed."""
        if volume.image is not None:
            raise VolumeFailed("the container runtime does not support volumes of images")
        owner: Any = claimed.volume.spec if claimed else volume
        for kind in self.rows:
            name = kind.persistent if claimed else kind.field
            source = getattr(owner, name) if name else None
            if source is not None:
                return kind, source
        raise VolumeFailed(_UNSUPPORTED.format(_described(owner)))

    def tear_down(self, directory: Path) -> None:
        """Take away one volume's directory, whichever kind it was: its place says so. Raises OSError."""
        place = directory.parent.name
        take_away = next((kind.tear_down for kind in self.rows if kind.directory == place), removal.release)
        take_away(directory)


def plugin_name(volume: Volume) -> str:
    """Return what upstream calls the plug-in that serves a volume, as metrics show it."""
    if claim_name("", volume):
        return "kubernetes.io/persistent-claim"
    if volume.csi is not None:
        return f"kubernetes.io/{CSI}"
    name = next((one.name for one in KINDS if one.field and getattr(volume, one.field) is not None), "unsupported")
    return f"kubernetes.io/{name}"


def _described(owner: msgspec.Struct) -> str:
    """Name the source: the one struct among the fields of a volume."""
    found = [name for name in owner.__struct_fields__ if name not in _NO_SOURCE and getattr(owner, name) is not None]
    return ", ".join(name for name in found if isinstance(getattr(owner, name), msgspec.Struct)) or "no source"


_NO_SOURCE = ("claim_ref", "node_affinity")
