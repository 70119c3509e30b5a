"""What files take of the disk, for the Summary API: found by walking over them, so remembered for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.api.core_v1 import Pod
from controlplane.kit.clock import Clock
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.images import Images
from nodeagent.kernel.disk_usage import FileSystem, Taken, file_system, taken_below
from nodeagent.metrics.usage import Usage

_REMEMBERED = 60.0  # seconds: upstream's --volume-stats-agg-period

# The volumes that take room on this node, and the directory of their plug-in.
_PLUGINS = {
    "empty_dir": "kubernetes.io~empty-dir",
    "config_map": "kubernetes.io~configmap",
    "secret": "kubernetes.io~secret",
    "projected": "kubernetes.io~projected",
    "downward_api": "kubernetes.io~downward-api",
}


@dataclass(frozen=True, slots=True)
class Directory:
    """What a directory takes, and the file system that it lies in."""

    taken: Taken
    system: FileSystem


@dataclass(frozen=True, slots=True)
class Files:
    """What is known of files; what is missing is not known."""

    directories: Mapping[Path, Directory] = field(default_factory=dict)
    images: Taken | None = None  # what images and the layers below containers take
    most_processes: int = 0
    processes: int = 0


def volumes_of(pod: Pod, kubelet_root: Path) -> dict[str, Path]:
    """Return where those volumes of a pod are that take room on the node, by name."""
    place = kubelet_root / "pods" / pod.metadata.uid / "volumes"
    return {
        volume.name: place / plugin / volume.name
        for volume in pod.spec.volumes
        for source, plugin in _PLUGINS.items()
        if getattr(volume, source) is not None
    }


class FileReader:
    """Measures the files of containers and pods."""

    def __init__(self, images: Images, clock: Clock):
        self._images, self._clock = images, clock
        self._known: dict[Path, tuple[float, Directory | None]] = {}
        self._measuring = asyncio.Lock()

    async def read(self, usage: Usage) -> Files:
        """Return what the files take of everything in a reading."""
        wanted = set(_paths(usage))
        async with self._measuring:  # whoever asks meanwhile is answered with what is being found out
            now = self._clock.monotonic()
            stale = [path for path in wanted if path not in self._known or now - self._known[path][0] > _REMEMBERED]
            found = await asyncio.to_thread(_measure, stale)
            now = self._clock.monotonic()  # however long that took, it is new
            self._known = {path: known for path, known in self._known.items() if path in wanted}
            self._known |= {path: (now, directory) for path, directory in found.items()}
        directories = {path: known for path, (_, known) in self._known.items() if known is not None}
        return Files(directories, await self._image_files(), *process_ids())

    async def _image_files(self) -> Taken | None:
        try:
            found = await self._images.file_system()
        except RuntimeFailure:
            return None
        return Taken(found.used, found.inodes_used)


def _paths(usage: Usage) -> Iterable[Path]:
    for one in usage.containers:
        place = usage.places.get(one.pod_uid)
        if place is not None and place.logs is not None:
            yield place.logs / one.name
        yield from place.volumes.values() if place is not None else ()


def _measure(paths: Iterable[Path]) -> dict[Path, Directory | None]:
    found: dict[Path, Directory | None] = {}
    for path in paths:
        taken, system = taken_below(path), file_system(path)
        found[path] = Directory(taken, system) if taken is not None and system is not None else None
    return found


def process_ids(proc: Path = Path("/proc")) -> tuple[int, int]:
    """Return how many processes and threads there may be, and how many there are; 0 for what is not told."""
    limits = [int(text) for name in ("pid_max", "threads-max") if (text := _text(proc / "sys/kernel" / name)).isdigit()]
    words = _text(proc / "loadavg").split()  # 0.00 0.01 0.05 1/234 5678
    running = words[3].partition("/")[2] if len(words) > 3 else ""
    return min(limits, default=0), int(running) if running.isdigit() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
