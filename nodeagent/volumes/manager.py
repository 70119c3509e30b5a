"""Makes a pod's volumes be there, keeps them current, and takes them away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import Pod, Volume, VolumeMount
from controlplane.api.status import StatusError
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import finish_within
from nodeagent.kernel.thread import KeyedThreads
from nodeagent.volumes import projected, removal, subpath
from nodeagent.volumes.claims import Claimed, Claims, unmounted
from nodeagent.volumes.csi.prepare import Prepared, Preparer, with_tokens
from nodeagent.volumes.csi.volume import CsiVolumes, Endpoints
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job
from nodeagent.volumes.kinds import CSI, Kind, Kinds
from nodeagent.volumes.objects import Found, Named, Objects, ObjectsUnavailable, Reference, references
from nodeagent.volumes.tokens import Tokens

_PATIENCE = 123.0  # seconds that upstream waits for a pod's volumes before it says which are not there
_SUB_PATH_PATIENCE = 10.0  # a container's start waits for this, and there are few at once
_REPUBLISH = timedelta(seconds=90)  # as often as upstream looks at a pod that nothing happens to
_TIMED_OUT = "timed out waiting for the condition"


@dataclass(frozen=True, slots=True)
class Mounted:
    """Where each volume of a pod is on the node, the objects they came from, and when to look again."""

    paths: Mapping[str, Path]
    objects: Found
    refresh_at: datetime | None = None
    read_only: frozenset[str] = frozenset()  # the volumes that containers may only read


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What was asked of the API for a pod's volumes."""

    objects: Found
    tokens: Mapping[tuple[str, int], str]
    claimed: Mapping[str, Claimed]
    csi: Mapping[str, Prepared]


class Volumes:
    """The volumes of every pod on the node, below `root` (/var/lib/kubelet)."""

    def __init__(
        self,
        root: Path,
        objects: Objects,
        tokens: Tokens,
        claims: Claims,
        preparer: Preparer,
        drivers: Endpoints,
        threads: KeyedThreads,
        clock: Clock,
        allocatable: Callable[[], Mapping[str, Quantity]],
    ):
        self._pods = root / "pods"
        self._objects, self._tokens, self._claims = objects, tokens, claims
        self._preparer, self._threads, self._clock = preparer, threads, clock
        csi = CsiVolumes(root, drivers)
        self._kinds = Kinds(Kind(CSI, csi.set_up, "csi", "csi", csi.tear_down))
        self._allocatable = allocatable
        self._missing: dict[str, list[str]] = {}  # by pod: the volumes that a call under way has still to make

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
        claimed = await self._claims.find(pod)
        csi = await self._csi_tokens(pod, await self._preparer.prepare(pod, claimed))
        objects = await self._find(pod)
        tokens, refresh_at = await self._mint(pod)
        if any(one.republish for one in csi.values()):
            again_at = self._clock.now() + _REPUBLISH
            refresh_at = min(refresh_at, again_at) if refresh_at else again_at
        making = self._threads.run(uid, self._make_all, pod, _Inputs(objects, tokens, claimed, csi))
        try:
            paths, read_only = await finish_within(making, _PATIENCE, self._clock)
        except TimeoutError as error:
            names = self._missing.get(uid) or [volume.name for volume in pod.spec.volumes]
            raise VolumeFailed(unmounted(names, {}, _TIMED_OUT)) from error
        return Mounted(paths, objects, refresh_at, read_only)

    async def sub_path(self, pod: Pod, container: str, index: int, mount: VolumeMount, sub_path: str, at: Path) -> Path:
        """Return the host path of one volume mount's subPath. Raises VolumeFailed."""
        target = self.pod_directory(pod.metadata.uid) / "volume-subpaths" / mount.name / container / str(index)
        binding = self._threads.run(pod.metadata.uid, subpath.make, at, sub_path, target)
        try:
            return await finish_within(binding, _SUB_PATH_PATIENCE, self._clock)
        except TimeoutError as error:
            raise VolumeFailed(f"failed to prepare subPath for volumeMount {mount.name!r}: {_TIMED_OUT}") from error
        except OSError as error:
            raise VolumeFailed(f"failed to prepare subPath for volumeMount {mount.name!r}: {error}") from error

    async def tear_down(self, uid: str) -> None:
        """Unmount and delete everything the pod had below its directory, however long it takes. Raises OSError."""
        self._objects.release(uid)
        self._tokens.forget(uid)
        self._claims.forget(uid)
        self._preparer.forget(uid)
        await self._threads.run(uid, _remove, self.pod_directory(uid), self._kinds)
        self._missing.pop(uid, None)

    async def _find(self, pod: Pod) -> Found:
        found: dict[Reference, Named | None] = {}
        try:
            for reference in references(pod):
                if reference.name:
                    found[reference] = await self._objects.get(reference)
                else:
                    every = await self._objects.every(reference)
                    found |= {reference._replace(name=name): one for name, one in every.items()}
        except ObjectsUnavailable as error:
            raise VolumeFailed(str(error)) from error
        return found

    async def _mint(self, pod: Pod) -> tuple[dict[tuple[str, int], str], datetime | None]:
        texts: dict[tuple[str, int], str] = {}
        moments = []
        for volume in pod.spec.volumes:
            for audience, seconds in projected.token_requests(volume.projected) if volume.projected else ():
                try:
                    token = await self._tokens.get(pod, audience, seconds)
                except (StatusError, Unreachable) as error:
                    raise _failed(volume.name, f"failed to fetch token: {error}") from error
                texts[(audience, seconds)] = token.text
                moments.append(token.refresh_at)
        return texts, min(moments, default=None)

    async def _csi_tokens(self, pod: Pod, csi: Mapping[str, Prepared]) -> dict[str, Prepared]:
        told = dict(csi)
        for name, prepared in csi.items():
            try:
                tokens = {one[0]: await self._tokens.get(pod, *one) for one in prepared.token_requests}
            except (StatusError, Unreachable) as error:
                raise _failed(name, f"failed to fetch token: {error}") from error
            if tokens:
                told[name] = with_tokens(prepared, tokens)
        return told

    def _make_all(self, pod: Pod, inputs: _Inputs) -> tuple[dict[str, Path], frozenset[str]]:
        missing = self._missing[pod.metadata.uid] = [volume.name for volume in pod.spec.volumes]
        directory = self.pod_directory(pod.metadata.uid)
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        paths, read_only = {}, set()
        for volume in pod.spec.volumes:
            try:
                paths[volume.name], only_read = self._make(pod, volume, inputs)
            except (VolumeFailed, OSError) as error:
                raise _failed(volume.name, str(error)) from error
            missing.remove(volume.name)
            read_only |= {volume.name} if only_read else set()
        return paths, frozenset(read_only)

    def _make(self, pod: Pod, volume: Volume, inputs: _Inputs) -> tuple[Path, bool]:
        claimed = inputs.claimed.get(volume.name)
        kind, source = self._kinds.of(volume, claimed)
        name = claimed.volume.metadata.name if claimed else volume.name
        now = self._clock.now()
        job = Job(
            pod=pod,
            source=source,
            path=self.pod_directory(pod.metadata.uid) / "volumes" / kind.directory / name,
            stamp=f"{now:%Y_%m_%d_%H_%M_%S}.{now.microsecond:06}",
            objects=inputs.objects,
            tokens=inputs.tokens,
            allocatable=self._allocatable(),
            claimed=claimed,
            csi=inputs.csi.get(volume.name),
        )
        only_read = kind.read_only or bool(claimed and claimed.read_only) or bool(job.csi and job.csi.read_only)
        return kind.set_up(job), only_read


def _failed(volume: str, why: str) -> VolumeFailed:
    return VolumeFailed(f'MountVolume.SetUp failed for volume "{volume}" : {why}')


def _remove(directory: Path, kinds: Kinds) -> None:
    """Take away a pod's directory: what binds a volume before the volume itself, and then the rest."""
    removal.unmount_all(directory / "volume-subpaths")
    volumes = directory / "volumes"
    for kind in sorted(volumes.iterdir()) if volumes.is_dir() else ():
        for volume in sorted(kind.iterdir()):
            kinds.tear_down(volume)
    removal.delete(directory)
