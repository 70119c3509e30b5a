"""Removes images that nobody uses, before they fill the disk.

    used > 85 %   remove until 80 % are used: those not used for longest first
    too old       remove what was not used for the maximum age, whatever the disk says (off by default)

Never removed: images of containers, running or not; those that a pod here names; pinned ones and the sandbox image;
and what was first seen less than two minutes ago, for somebody may just have pulled it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from controlplane.api.core_v1 import Node, Pod
from controlplane.kit.clock import Clock
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.images import Images
from nodeagent.cri.records import Image
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel import headroom
from nodeagent.kernel.headroom import Left
from nodeagent.pods.tools import Recorder

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 300.0  # upstream's ImageGCPeriod


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """When images go: shares of the disk in per cent, ages in seconds (a maximum of 0: however old)."""

    high: int = 85
    low: int = 80
    min_age: float = 120.0
    max_age: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """An image, when it was first seen and when it was last used (None: never), in seconds of one clock."""

    image: Image
    seen_at: float
    used_at: float | None = None


Catalogue = Mapping[str, Known]
"""By image id."""


class ImagesRemain(Exception):
    """Images that should have gone could not be removed."""


def note(known: Catalogue, images: Iterable[Image], in_use: Collection[str], now: float) -> Catalogue:
    """Return what is known after a look: new images are new, those in use are used now, those that are gone are not."""
    found = {}
    for image in images:
        before = known.get(image.id) or Known(image, now)
        used_at = now if is_used(image, in_use) else before.used_at
        found[image.id] = replace(before, image=image, used_at=used_at)
    return found


def is_used(image: Image, in_use: Collection[str]) -> bool:
    """Whether one of the image's names is among those in use."""
    return image.pinned or any(name in in_use for name in (image.id, *image.tags, *image.digests))


def plan(known: Catalogue, policy: ImagePolicy, wanted: int, now: float) -> Sequence[Image]:
    """Return the images to remove so that `wanted` bytes come free, or all that may go if they are not enough."""
    chosen, freed = [], 0
    for one in sorted(known.values(), key=lambda one: (one.used_at or 0.0, one.seen_at, one.image.id)):
        if freed >= wanted:
            break
        if _is_idle(one, now) and now - one.seen_at >= policy.min_age:
            chosen.append(one.image)
            freed += one.image.size
    return chosen


def too_old(known: Catalogue, policy: ImagePolicy, since: float, now: float) -> Sequence[Image]:
    """Return what was not used for the maximum age; `since` is when we began to look, before which nothing is known."""
    if not policy.max_age or now - since <= policy.max_age:
        return []
    return [
        one.image
        for one in known.values()
        if _is_idle(one, now)
        and now - one.seen_at >= policy.min_age
        and now - (one.seen_at if one.used_at is None else one.used_at) > policy.max_age
    ]


def _is_idle(one: Known, now: float) -> bool:
    return not one.image.pinned and (one.used_at is None or one.used_at < now)


def excess(policy: ImagePolicy, disk: Left) -> int:
    """Return how many bytes are to come free: none unless the high mark is reached, then down to the low one."""
    used = 100 - disk.available * 100 // disk.capacity if disk.capacity else 0
    if policy.high >= 100 or used < policy.high:
        return 0
    return max(0, disk.capacity * (100 - policy.low) // 100 - disk.available)


def named_by(pods: Iterable[Pod]) -> set[str]:
    """Return the images that pods name, in containers or volumes: what was just pulled has no container yet."""
    found: set[str] = set()
    for pod in pods:
        spec = pod.spec
        found |= {one.image for one in [*spec.containers, *spec.init_containers]}
        found |= {one.image for one in spec.ephemeral_containers}
        found |= {volume.image.reference for volume in spec.volumes if volume.image}
    return found


class ImageCollector:
    """Looks at the images every 5 minutes, and when the node is short of disk."""

    def __init__(
        self,
        policy: ImagePolicy,
        images: Images,
        runtime: Runtime,
        pods: Callable[[], Iterable[Pod]],  # those that may still start containers
        *,
        recorder: Recorder,
        node: Callable[[], Node | None],
        clock: Clock,
        disk: Callable[[Path], Left] = lambda path: headroom.disk(path).bytes,
    ):
        self._policy, self._images, self._runtime, self._pods = policy, images, runtime, pods
        self._recorder, self._node, self._clock, self._disk = recorder, node, clock, disk
        self._known: Catalogue = {}
        self._began = clock.monotonic()
        self._failing = False

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
                self._failing = False
            except (RuntimeFailure, ImagesRemain, OSError) as error:
                _log.warning("images are not looked after: %s", error)
                if self._failing:  # once may be a restart of the runtime
                    self._tell("ImageGCFailed", str(error))
                self._failing = True
            await self._clock.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Remove what is too old, then what the disk has no room for. Raises RuntimeFailure, ImagesRemain, OSError."""
        now = await self._take_stock()
        failures: list[str] = []
        for image in too_old(self._known, self._policy, self._began, now):
            await self._remove(image, failures)
        wanted = excess(self._policy, self._disk(Path(await self._images.mountpoint())))
        freed = await self._free(wanted, now, failures)
        if freed < wanted:
            words = "Failed to garbage collect required amount of images. "
            words += f"Attempted to free {wanted} bytes, but only found {freed} bytes eligible to free."
            self._tell("FreeDiskSpaceFailed", words)
            failures.insert(0, words)
        if failures:
            raise ImagesRemain("; ".join(failures))

    async def free_all(self) -> None:
        """Remove every image that may go. Raises RuntimeFailure, ImagesRemain."""
        now = await self._take_stock()
        failures: list[str] = []
        await self._free(sum(one.image.size + 1 for one in self._known.values()), now, failures)
        if failures:
            raise ImagesRemain("; ".join(failures))

    async def _free(self, wanted: int, now: float, failures: list[str]) -> int:
        """Remove images until so many bytes should have come free; return how many did. If one fails, the next goes."""
        freed, rest = 0, dict(self._known)
        while freed < wanted and (chosen := plan(rest, self._policy, wanted - freed, now)):
            for image in chosen:
                del rest[image.id]
                freed += await self._remove(image, failures)
        return freed

    async def _take_stock(self) -> float:
        images = await self._images.list()
        in_use = {await self._runtime.sandbox_image(), *named_by(self._pods())}
        for run in await self._runtime.list_containers():
            in_use |= {run.image, run.image_ref}
        now = self._clock.monotonic()
        self._known = note(self._known, images, in_use, now)
        return now

    async def _remove(self, image: Image, failures: list[str]) -> int:
        """Remove an image and return its size, or 0 after adding to `failures` why it stays."""
        _log.info("removing image %s (%s), which nobody uses", image.id, ", ".join(image.tags))
        try:
            await self._images.remove(image.id)
        except RuntimeFailure as failure:
            failures.append(f"image {image.id}: {failure}")
            return 0
        self._known = {id_: one for id_, one in self._known.items() if id_ != image.id}
        return image.size

    def _tell(self, reason: str, message: str) -> None:
        node = self._node()
        if node is not None:
            self._recorder.event(node, "Warning", reason, message)
