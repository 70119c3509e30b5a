"""Frees disk that no running pod needs: first what ended pods have left, then images that nobody uses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.runtime import Runtime
from nodeagent.pods import names
from nodeagent.pods.files import PodFiles
from nodeagent.pods.image_gc import ImageCollector, ImagesRemain
from nodeagent.pods.sandbox import NodeSettings
from nodeagent.pods.worker import PodWorker

_log = logging.getLogger(__name__)
_TERMINAL = ("Succeeded", "Failed")


class Reclaim:
    """Upstream's node-level reclaim."""

    def __init__(
        self,
        runtime: Runtime,
        images: ImageCollector,
        workers: Callable[[], Iterable[PodWorker]],
        settings: Callable[[], NodeSettings],
    ):
        self._runtime, self._images, self._workers, self._settings = runtime, images, workers, settings

    async def free_disk(self) -> None:
        """Remove the containers of ended pods, with their logs, and every image that is not needed.

        What cannot be removed is left to be tried again: whether enough was freed shows on the disk.
        """
        try:
            for worker in self._workers():
                if worker.status.phase in _TERMINAL and not worker.runtime.running:
                    await self._remove_dead(worker)
            await self._images.free_all()
        except (RuntimeFailure, ImagesRemain, OSError) as error:
            _log.warning("not everything was freed that could be: %s", error)

    async def _remove_dead(self, worker: PodWorker) -> None:
        files = PodFiles(worker.pod, self._settings())
        if not worker.runtime.ids:
            return
        _log.info("pod %s has ended: removing its containers for want of disk", names.described(worker.pod))
        for run in worker.runtime.containers:
            await self._runtime.remove_container(run.id)
            files.remove_log(run)
        for sandbox in worker.runtime.sandboxes:
            await self._runtime.remove_sandbox(sandbox.id)
        worker.refresh()
