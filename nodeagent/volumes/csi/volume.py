"""Has a driver stage and publish a volume, and take it back."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nodeagent.kernel import mounts
from nodeagent.volumes import ownership, removal
from nodeagent.volumes.csi import csi_pb2 as csi
from nodeagent.volumes.csi.client import DriverFailed, NodeClient
from nodeagent.volumes.csi.prepare import Prepared
from nodeagent.volumes.job import Job

_DATA = "vol_data.json"  # upstream's name and keys: whichever agent runs on this node finds them
_RPC = csi.NodeServiceCapability.RPC
_Mode = csi.VolumeCapability.AccessMode


class Endpoints(Protocol):
    """Where drivers listen."""

    def endpoint(self, name: str) -> str:
        """Return a driver's socket. Raises DriverFailed."""


@dataclass(frozen=True, slots=True)
class Left:
    """What must be known to take a volume back."""

    driver: str
    handle: str
    ephemeral: bool


class CsiVolumes:
    """The CSI volumes of this node, below `root` (/var/lib/kubelet)."""

    def __init__(self, root: Path, drivers: Endpoints):
        self._staged = root / "plugins" / "kubernetes.io" / "csi"
        self._pods, self._drivers = root / "pods", drivers
        # Pods on one node may share a volume, each in its own thread: the first stages it, the last takes it back.
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    def set_up(self, job: Job) -> Path:
        """Publish the volume to the pod, unless that is done and the driver does not want it again. Raises OSError."""
        prepared, target = job.csi, job.path / "mount"
        assert prepared is not None
        mounted = mounts.is_mount_point(target)
        if mounted and not prepared.republish:
            return target
        endpoint = self._drivers.endpoint(prepared.driver)
        with NodeClient(endpoint) as node, self._alone(prepared.driver, prepared.handle):
            capabilities = node.capabilities()
            staging = self._staging(prepared.driver, prepared.handle) if is_staged(prepared, capabilities) else None
            if not mounted:
                # Before anything is mounted: whatever happens next, it can be taken back.
                _note(job.path, prepared)
            if staging is not None and not mounted:
                staging.mkdir(mode=0o750, parents=True, exist_ok=True)
                node.stage(stage_request(prepared, job.group, capabilities, staging))
            node.publish(publish_request(prepared, job.group, capabilities, staging, target))
        if not mounted and job.group is not None and given_by_us(prepared, capabilities):
            context = job.pod.spec.security_context
            ownership.give(target, job.group, context.fs_group_change_policy if context else "")
        return target

    def tear_down(self, directory: Path) -> None:
        """Take the volume back from the pod, and from the node if no other pod has it. Raises OSError."""
        left = _read(directory)
        if left is not None:
            target = directory / "mount"
            endpoint = self._drivers.endpoint(left.driver)
            with NodeClient(endpoint) as node, self._alone(left.driver, left.handle):
                node.unpublish(csi.NodeUnpublishVolumeRequest(volume_id=left.handle, target_path=str(target)))
                if mounts.is_mount_point(target):
                    raise DriverFailed(f"{left.driver} says that it has unmounted {target}, which is still mounted")
                if not left.ephemeral and left not in self._others(directory):
                    self._unstage(node, left)
                if target.is_dir():
                    target.rmdir()
                (directory / _DATA).unlink()
        removal.release(directory)

    def _unstage(self, node: NodeClient, left: Left) -> None:
        staging = self._staging(left.driver, left.handle)
        if not staging.is_dir():
            return
        node.unstage(csi.NodeUnstageVolumeRequest(volume_id=left.handle, staging_target_path=str(staging)))
        if mounts.mounted_below(staging):
            raise DriverFailed(f"{left.driver} says that it has unmounted {staging}, which is still mounted")
        # Drivers may remove it themselves. What is not empty is not deleted: it may be the volume.
        for directory in (staging, staging.parent):
            if directory.is_dir():
                directory.rmdir()

    def _alone(self, driver: str, handle: str) -> threading.Lock:
        return self._locks.setdefault((driver, handle), threading.Lock())

    def _staging(self, driver: str, handle: str) -> Path:
        return self._staged / driver / hashlib.sha256(handle.encode()).hexdigest() / "globalmount"

    def _others(self, directory: Path) -> list[Left | None]:
        every = self._pods.glob("*/volumes/kubernetes.io~csi/*/")
        return [_read(one) for one in every if one != directory]


def is_staged(prepared: Prepared, capabilities: frozenset[int]) -> bool:
    """Whether the volume is mounted once for the node before it is for a pod."""
    return not prepared.ephemeral and _RPC.STAGE_UNSTAGE_VOLUME in capabilities


def capability(prepared: Prepared, group: int | None, capabilities: frozenset[int]) -> csi.VolumeCapability:
    """Return how the volume is to be used, in the driver's words."""
    mount = csi.VolumeCapability.MountVolume(fs_type=prepared.fs_type, mount_flags=list(prepared.mount_options))
    if group is not None and _RPC.VOLUME_MOUNT_GROUP in capabilities:
        mount.volume_mount_group = str(group)
    several = _RPC.SINGLE_NODE_MULTI_WRITER in capabilities
    modes = {
        "ReadWriteOnce": _Mode.SINGLE_NODE_MULTI_WRITER if several else _Mode.SINGLE_NODE_WRITER,
        "ReadWriteOncePod": _Mode.SINGLE_NODE_SINGLE_WRITER if several else _Mode.SINGLE_NODE_WRITER,
        "ReadOnlyMany": _Mode.MULTI_NODE_READER_ONLY,
        "ReadWriteMany": _Mode.MULTI_NODE_MULTI_WRITER,
    }
    mode = modes.get(prepared.access_mode, _Mode.SINGLE_NODE_WRITER)
    return csi.VolumeCapability(mount=mount, access_mode=csi.VolumeCapability.AccessMode(mode=mode))


def stage_request(
    prepared: Prepared, group: int | None, capabilities: frozenset[int], staging: Path
) -> csi.NodeStageVolumeRequest:
    return csi.NodeStageVolumeRequest(
        volume_id=prepared.handle,
        publish_context=prepared.publish_context,
        staging_target_path=str(staging),
        volume_capability=capability(prepared, group, capabilities),
        secrets=prepared.stage_secrets,
        volume_context=prepared.volume_context,
    )


def publish_request(
    prepared: Prepared, group: int | None, capabilities: frozenset[int], staging: Path | None, target: Path
) -> csi.NodePublishVolumeRequest:
    return csi.NodePublishVolumeRequest(
        volume_id=prepared.handle,
        publish_context=prepared.publish_context,
        staging_target_path=str(staging) if staging else "",
        target_path=str(target),
        volume_capability=capability(prepared, group, capabilities),
        readonly=prepared.read_only,
        secrets=prepared.publish_secrets,
        volume_context=prepared.volume_context,
    )


def given_by_us(prepared: Prepared, capabilities: frozenset[int]) -> bool:
    """Whether it is for us to give the volume's files to the pod's group (CSIDriver spec.fsGroupPolicy)."""
    if prepared.read_only or _RPC.VOLUME_MOUNT_GROUP in capabilities or prepared.fs_group_policy == "None":
        return False
    if prepared.fs_group_policy == "File":
        return True
    # A file system of its own, which nobody else writes: the default.
    return bool(prepared.fs_type) and prepared.access_mode in ("ReadWriteOnce", "ReadWriteOncePod")


def _note(directory: Path, prepared: Prepared) -> None:
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    mode = "Ephemeral" if prepared.ephemeral else "Persistent"
    note = {
        "driverName": prepared.driver,
        "volumeHandle": prepared.handle,
        "volumeLifecycleMode": mode,
        "attachmentID": prepared.attachment,
        "specVolID": directory.name,
    }
    fresh = directory / f"{_DATA}.new"
    fresh.write_text(json.dumps(note))
    fresh.rename(directory / _DATA)


def _read(directory: Path) -> Left | None:
    try:
        note = json.loads((directory / _DATA).read_text())
    except FileNotFoundError:
        return None
    return Left(note["driverName"], note["volumeHandle"], note["volumeLifecycleMode"] == "Ephemeral")
