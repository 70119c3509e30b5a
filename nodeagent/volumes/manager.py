"""Makes a pod's volumes be there, keeps them current, and takes them away."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import ConfigMap, Pod, Secret, Volume, VolumeMount
from controlplane.api.status import StatusError
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock
from nodeagent.kernel import mounts
from nodeagent.kernel.thread import KernelThread
from nodeagent.volumes import atomic, config_map, downward, empty_dir, host_path, projected, secret, subpath
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.objects import Found, Objects, ObjectsUnavailable, Reference, references
from nodeagent.volumes.payload import DEFAULT_MODE, Payload
from nodeagent.volumes.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Mounted:
    """Where each volume of a pod is on the node, the objects they came from, and when to look again."""

    paths: Mapping[str, Path]
    objects: Found
    refresh_at: datetime | None = None


class Volumes:
    """The volumes of every pod on the node, below `root` (/var/lib/kubelet)."""

    def __init__(
        self,
        root: Path,
        objects: Objects,
        tokens: Tokens,
        thread: KernelThread,
        clock: Clock,
        allocatable: Callable[[], Mapping[str, Quantity]],
    ):
        self._pods = root / "pods"
        self._objects, self._tokens, self._thread, self._clock = objects, tokens, thread, clock
        self._allocatable = allocatable

    def pod_directory(self, uid: str) -> Path:
        return self._pods / uid

    def pods_on_disk(self) -> list[str]:
        """Return the UIDs of pods that have a directory, ours from before a restart included."""
        return [entry.name for entry in self._pods.iterdir() if entry.is_dir()] if self._pods.is_dir() else []

    async def set_up(self, pod: Pod, on_change: Callable[[], None]) -> Mounted:
        """Make or refresh the pod's volumes; `on_change` is called when it is worth doing again.

        Raises VolumeFailed, its message naming the volume as upstream's events do.
        """
        uid = pod.metadata.uid
        self._objects.use(uid, references(pod), on_change)
        objects = await self._find(pod)
        tokens, refresh_at = await self._mint(pod)
        paths = await self._thread.run(self._make_all, pod, objects, tokens)
        return Mounted(paths, objects, refresh_at)

    async def sub_path(self, pod: Pod, container: str, index: int, mount: VolumeMount, sub_path: str, at: Path) -> Path:
        """Return the host path of one volume mount's subPath. Raises VolumeFailed."""
        target = self.pod_directory(pod.metadata.uid) / "volume-subpaths" / mount.name / container / str(index)
        try:
            return await self._thread.run(subpath.make, at, sub_path, target)
        except OSError as error:
            raise VolumeFailed(f"failed to prepare subPath for volumeMount {mount.name!r}: {error}") from error

    async def tear_down(self, uid: str) -> None:
        """Unmount and delete everything the pod had below its directory. Raises OSError."""
        self._objects.release(uid)
        self._tokens.forget(uid)
        await self._thread.run(_remove, self.pod_directory(uid))

    async def _find(self, pod: Pod) -> Found:
        try:
            return {reference: await self._objects.get(reference) for reference in references(pod)}
        except ObjectsUnavailable as error:
            raise VolumeFailed(str(error)) from error

    async def _mint(self, pod: Pod) -> tuple[dict[tuple[str, int], str], datetime | None]:
        texts: dict[tuple[str, int], str] = {}
        moments = []
        for volume in pod.spec.volumes:
            for audience, seconds in projected.token_requests(volume.projected) if volume.projected else ():
                try:
                    token = await self._tokens.get(pod, audience, seconds)
                except (StatusError, Unreachable) as error:
                    raise _failed(volume, f"failed to fetch token: {error}") from error
                texts[(audience, seconds)] = token.text
                moments.append(token.refresh_at)
        return texts, min(moments, default=None)

    def _make_all(self, pod: Pod, objects: Found, tokens: Mapping[tuple[str, int], str]) -> dict[str, Path]:
        directory = self.pod_directory(pod.metadata.uid)
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        paths = {}
        for volume in pod.spec.volumes:
            try:
                paths[volume.name] = self._make(pod, volume, objects, tokens)
            except (VolumeFailed, OSError) as error:
                raise _failed(volume, str(error)) from error
        return paths

    def _make(self, pod: Pod, volume: Volume, objects: Found, tokens: Mapping[tuple[str, int], str]) -> Path:
        group = pod.spec.security_context.fs_group if pod.spec.security_context else None
        if volume.host_path:
            return host_path.make(volume.host_path)
        if volume.empty_dir:
            path = self._path(pod, "empty-dir", volume)
            empty_dir.make(path, volume.empty_dir, group)
            return path
        kind, payload = self._payload(pod, volume, objects, tokens)
        path = self._path(pod, kind, volume)
        self._write(path, payload, group, in_memory=kind != "configmap")
        return path

    def _payload(
        self, pod: Pod, volume: Volume, objects: Found, tokens: Mapping[tuple[str, int], str]
    ) -> tuple[str, Payload]:
        namespace = pod.metadata.namespace
        if source := volume.config_map:
            found = objects[Reference(ConfigMap, namespace, source.name)]
            assert found is None or isinstance(found, ConfigMap)
            mode, optional = _mode(source.default_mode), bool(source.optional)
            return "configmap", config_map.payload(source.name, found, source.items, mode, optional=optional)
        if wanted := volume.secret:
            kept = objects[Reference(Secret, namespace, wanted.secret_name)]
            assert kept is None or isinstance(kept, Secret)
            mode, optional = _mode(wanted.default_mode), bool(wanted.optional)
            return "secret", secret.payload(wanted.secret_name, kept, wanted.items, mode, optional=optional)
        if fields := volume.downward_api:
            return "downward-api", downward.payload(pod, fields.items, _mode(fields.default_mode), self._allocatable())
        if volume.projected:
            files = projected.payload(pod, volume.projected, objects, tokens, self._allocatable())
            return "projected", files
        if volume.persistent_volume_claim:
            raise VolumeFailed("persistent volume claims are not supported by this node agent yet")
        raise VolumeFailed("volumes of this type are not supported by this node agent")

    def _write(self, path: Path, payload: Payload, group: int | None, *, in_memory: bool) -> None:
        path.mkdir(parents=True, exist_ok=True)
        if in_memory:
            empty_dir.make_memory(path)
        if not (path / "..data").exists():
            empty_dir.open_to(path, group, 0o777)
        now = self._clock.now()
        atomic.write(path, payload, stamp=f"{now:%Y_%m_%d_%H_%M_%S}.{now.microsecond:06}", group=group)

    def _path(self, pod: Pod, kind: str, volume: Volume) -> Path:
        return self.pod_directory(pod.metadata.uid) / "volumes" / f"kubernetes.io~{kind}" / volume.name


def _failed(volume: Volume, why: str) -> VolumeFailed:
    return VolumeFailed(f'MountVolume.SetUp failed for volume "{volume.name}" : {why}')


def _mode(default: int | None) -> int:
    return DEFAULT_MODE if default is None else default


def _remove(directory: Path) -> None:
    for mounted in mounts.mounted_below(directory):
        mounts.unmount(mounted)
    if directory.is_dir():
        # A mount that came back, or a link: rmtree follows neither.
        if mounts.is_mount_point(directory):
            raise OSError(f"{directory} is still mounted")
        shutil.rmtree(directory)


def plugin_name(volume: Volume) -> str:
    """Return what upstream calls the plug-in that serves a volume, as metrics show it."""
    kinds = {
        "configmap": volume.config_map,
        "secret": volume.secret,
        "downward-api": volume.downward_api,
        "projected": volume.projected,
        "empty-dir": volume.empty_dir,
        "host-path": volume.host_path,
    }
    return f"kubernetes.io/{next((name for name, source in kinds.items() if source), 'unsupported')}"
