"""When a container's log is put aside, with the limits an administrator sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.pods.log_rotation import LogRotation


class World:
    """One container that has logged ten bytes."""

    def __init__(self, root: Path, *, max_bytes: int, max_files: int = 5):
        self.clock, self.log, self.reopened, self.down = ManualClock(), root / "0.log", 0, False
        self.log.write_text("x" * 10)
        self.rotation = LogRotation(
            cast(Any, self),
            self.clock,
            cast(Any, self),
            lambda: [("c1", self.log)],
            max_bytes=max_bytes,
            max_files=max_files,
        )

    async def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    async def reopen_log(self, container_id: str) -> None:
        if self.down:
            raise RuntimeFailure("containerd is down")
        self.reopened += 1
        self.log.write_text("x" * 10)

    @property
    def files(self) -> list[str]:
        return sorted(one.name for one in self.log.parent.iterdir())


@pytest.mark.parametrize(
    ("max_bytes", "rotated"),
    [
        pytest.param(9, 1, id="larger"),
        pytest.param(10, 0, id="just as large"),
        pytest.param(-1, 0, id="a negative limit is none"),
    ],
)
async def test_a_log_is_rotated_when_it_is_larger_than_the_limit(tmp_path: Path, max_bytes: int, rotated: int) -> None:
    world = World(tmp_path, max_bytes=max_bytes)
    async with running(world.rotation.run()):
        await world.clock.advance(11)
        assert world.reopened == rotated
        assert len(world.files) == 1 + rotated


@pytest.mark.parametrize("max_files", [2, 3])
async def test_no_more_files_are_kept_than_allowed(tmp_path: Path, max_files: int) -> None:
    world = World(tmp_path, max_bytes=9, max_files=max_files)
    async with running(world.rotation.run()):
        await world.clock.advance(61)
        assert world.reopened == 6
        assert len(world.files) == max_files


async def test_a_log_that_the_runtime_does_not_reopen_keeps_its_name(tmp_path: Path) -> None:
    world = World(tmp_path, max_bytes=9)
    world.down = True
    await world.rotation.look()
    assert world.files == ["0.log"]
