"""Removes images that nobody uses, before they fill the disk; `image_plan.py` says which."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from controlplane.api.core_v1 import Node, Pod
from controlplane.kit.clock import Clock
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.images import Images
from nodeagent.cri.records import Image
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel import headroom
from nodeagent.kernel.headroom import Left
from nodeagent.pods.image_plan import Catalogue, ImagePolicy, excess, named_by, note, plan, too_old
from nodeagent.pods.tools import Recorder

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 300.0  # upstream's ImageGCPeriod


class ImagesRemain(Exception):
    """Images that should have gone could not be removed."""


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
