"""Keeps container logs from filling the disk: a file that has grown too large is renamed, and old ones go.

0.log ──rename──► 0.log.20261121-081530 ──at the next rotation──► 0.log.20261121-081530.gz ──► removed
ReopenContainerLog makes the runtime write to a new 0.log
"""

from __future__ import annotations

import gzip
import logging
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from controlplane.kit.clock import Clock
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel.thread import KernelThread

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 10.0  # upstream's containerLogMonitorInterval


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """What to do with the files that were rotated before."""

    remove: tuple[str, ...] = ()
    compress: tuple[str, ...] = ()


def plan_rotation(rotated: Iterable[str], max_files: int) -> RotationPlan:
    """Decide about earlier files, by name, so that with the live one and the next there are `max_files`."""
    ordered = sorted(name for name in rotated if not name.endswith(".tmp"))
    surplus = max(0, len(ordered) - (max_files - 2))
    kept = ordered[surplus:]
    return RotationPlan(tuple(ordered[:surplus]), tuple(name for name in kept if not name.endswith(".gz")))


def rotated_name(log: str, now: datetime) -> str:
    return f"{log}.{now:%Y%m%d-%H%M%S}"


Logs = Callable[[], Iterable[tuple[str, Path]]]
"""Returns the running containers' ids, each with the path of its log."""


class LogRotation:
    """Looks at the logs of running containers now and then."""

    def __init__(
        self,
        runtime: Runtime,
        clock: Clock,
        thread: KernelThread,
        logs: Logs,
        *,
        max_bytes: int = 10 * 2**20,
        max_files: int = 5,
    ):
        """`max_bytes` negative: logs are left alone; `max_files` counts the live one too."""
        self._runtime, self._clock, self._thread, self._logs = runtime, clock, thread, logs
        self._max_bytes, self._max_files = max_bytes, max_files

    async def run(self) -> None:
        """Rotate until cancelled."""
        while self._max_bytes >= 0:
            await self._clock.sleep(_LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Rotate every log that has grown too large."""
        for container_id, path in list(self._logs()):
            try:
                if path.stat().st_size > self._max_bytes:
                    await self._rotate(container_id, path)
            except FileNotFoundError:
                continue  # it ended, and its pod with it
            except (OSError, RuntimeFailure) as error:
                _log.warning("log %s is not rotated: %s", path, error)

    async def _rotate(self, container_id: str, path: Path) -> None:
        await self._thread.run(_make_room, path, self._max_files)
        aside = path.with_name(rotated_name(path.name, self._clock.now()))
        path.rename(aside)
        try:
            await self._runtime.reopen_log(container_id)
        except RuntimeFailure:
            if not path.exists():
                aside.rename(path)  # the runtime still writes to that file
            raise


def _make_room(path: Path, max_files: int) -> None:
    decided = plan_rotation((one.name for one in path.parent.glob(f"{path.name}.*")), max_files)
    for name in decided.remove:
        (path.parent / name).unlink(missing_ok=True)
    for name in decided.compress:
        _compress(path.parent / name)


def _compress(path: Path) -> None:
    draft = path.with_name(path.name + ".tmp")
    with path.open("rb") as source, gzip.open(draft, "wb") as target:
        shutil.copyfileobj(source, target)
    draft.rename(path.with_name(path.name + ".gz"))
    path.unlink()
