"""Which images go, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from controlplane.api.core_v1 import Container, ImageVolumeSource, Node, Pod, PodSpec, Volume
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.records import Container as Run
from nodeagent.cri.records import Image
from nodeagent.kernel.headroom import Left
from nodeagent.pods.image_gc import ImageCollector
from nodeagent.pods.image_plan import ImagePolicy, Known, excess, named_by, note, plan, too_old

POLICY = ImagePolicy()
NOW = 1000.0


def an_image(id_: str, size: int = 10, *, pinned: bool = False) -> Image:
    return Image(id=id_, tags=(f"{id_}:1",), digests=(f"{id_}@sha256:0",), size=size, pinned=pinned)


def known(*entries: Known) -> dict[str, Known]:
    return {one.image.id: one for one in entries}


@pytest.mark.parametrize(
    ("available", "wanted"),
    [
        pytest.param(16, 0, id="84 % used"),
        pytest.param(15, 5, id="85 % used"),
        pytest.param(0, 20, id="full"),
    ],
)
def test_how_much_is_to_go(available: int, wanted: int) -> None:
    assert excess(POLICY, Left(100, available)) == wanted


def test_a_high_mark_of_100_never_frees_anything() -> None:
    assert excess(ImagePolicy(high=100), Left(100, 0)) == 0
    assert excess(POLICY, Left(0, 0)) == 0


OLD, NEVER, LATELY = an_image("old"), an_image("never"), an_image("lately")
CATALOGUE = known(
    Known(LATELY, 0.0, 900.0),
    Known(OLD, 0.0, 100.0),
    Known(NEVER, 0.0),
    Known(an_image("used"), 0.0, NOW),
    Known(an_image("new"), NOW - 119),
    Known(an_image("pinned", pinned=True), 0.0),
)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        pytest.param(1, [NEVER], id="what was never used goes first"),
        pytest.param(11, [NEVER, OLD], id="as many as it takes, the least lately used first"),
        pytest.param(999, [NEVER, OLD, LATELY], id="not those in use, new or pinned"),
        pytest.param(0, [], id="nothing to free"),
    ],
)
def test_plan(wanted: int, chosen: list[Image]) -> None:
    assert list(plan(CATALOGUE, POLICY, wanted, NOW)) == chosen


@pytest.mark.parametrize(
    ("max_age", "since", "chosen"),
    [
        pytest.param(0, 0, [], id="no maximum"),
        pytest.param(500, 0, [OLD, NEVER], id="not used for so long"),
        pytest.param(500, 600, [], id="not before we have looked for so long"),
    ],
)
def test_what_is_too_old(max_age: float, since: float, chosen: list[Image]) -> None:
    found = too_old(CATALOGUE, ImagePolicy(max_age=max_age), since, NOW)
    assert [one.id for one in found] == [one.id for one in chosen]


@pytest.mark.parametrize("name", ["x", "x:1", "x@sha256:0"])
def test_an_image_is_used_under_any_of_its_names(name: str) -> None:
    first = note({}, [an_image("x")], {name}, 5)
    assert first == known(Known(an_image("x"), 5, 5))
    later = note(first, [an_image("x"), an_image("y")], (), 9)
    assert later == known(Known(an_image("x"), 5, 5), Known(an_image("y"), 9))
    assert note(later, [], (), 10) == {}


def a_pod(**spec: Any) -> Pod:
    return Pod(metadata=ObjectMeta(name="p", namespace="d"), spec=PodSpec(**spec))


def test_images_that_a_pod_names() -> None:
    pod = a_pod(
        containers=[Container(name="c", image="main:1")],
        init_containers=[Container(name="i", image="init:1")],
        volumes=[Volume(name="v", image=ImageVolumeSource(reference="data:1"))],
    )
    assert named_by([pod]) == {"main:1", "init:1", "data:1"}


class World:
    """A disk of 1,000 bytes that holds nothing but images."""

    def __init__(self, *images: Image) -> None:
        self.clock, self.images = ManualClock(), {one.id: one for one in images}
        self.runs: list[Run] = []
        self.pods: list[Pod] = []
        self.removed: list[str] = []
        self.stuck: set[str] = set()
        self.down = False
        self.events: list[tuple[str, str]] = []
        self.collector = ImageCollector(
            POLICY,
            cast(Any, self),
            cast(Any, self),
            lambda: self.pods,
            recorder=self,
            node=lambda: Node(metadata=ObjectMeta(name="n1")),
            clock=self.clock,
            disk=lambda path: Left(1000, 1000 - sum(one.size for one in self.images.values())),
        )

    async def list(self) -> tuple[Image, ...]:
        if self.down:
            raise RuntimeFailure("containerd is down")
        return tuple(self.images.values())

    async def remove(self, image: str) -> None:
        if image in self.stuck:
            raise RuntimeFailure(f"{image} is stuck")
        self.removed.append(image)
        del self.images[image]

    async def mountpoint(self) -> str:
        return "/images"

    async def sandbox_image(self) -> str:
        return "pause:1"

    async def list_containers(self) -> tuple[Run, ...]:
        return tuple(self.runs)

    def event(self, obj: Any, type_: str, reason: str, message: str, *, field_path: str = "") -> None:
        self.events.append((reason, message))

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Run the collector, and go on when it has looked once: nothing was old enough to go then."""
        async with running(self.collector.run()):
            await self.clock.advance(1)
            assert not self.removed
            self.events.clear()
            yield


async def test_a_full_disk_is_freed_down_to_the_low_mark() -> None:
    world = World(an_image("pause", 100), an_image("running", 300), an_image("first", 100), an_image("second", 400))
    world.runs = [Run("r", image="running:1", image_ref="running")]
    async with world.looking():
        await world.clock.advance(300)
        assert world.removed == ["first"]  # 800 of 1,000 are used then
        assert world.events == []


async def test_what_pods_are_about_to_start_stays() -> None:
    world = World(an_image("wanted", 900), an_image("idle", 90))
    world.pods = [a_pod(containers=[Container(name="c", image="wanted:1")])]
    async with world.looking():
        await world.clock.advance(300)
        assert world.removed == ["idle"]
        words = (
            "Failed to garbage collect required amount of images. "
            "Attempted to free 190 bytes, but only found 90 bytes eligible to free."
        )
        assert world.events == [("FreeDiskSpaceFailed", words), ("ImageGCFailed", words)]


async def test_one_failure_is_not_told() -> None:
    world = World(an_image("x", 900))
    world.down = True
    async with running(world.collector.run()):
        await world.clock.advance(1)
        assert world.events == []


async def test_a_second_failure_in_a_row_is_told() -> None:
    world = World(an_image("x", 900))
    world.down = True
    async with world.looking():
        await world.clock.advance(300)
        assert world.events == [("ImageGCFailed", "containerd is down")]


async def test_an_image_that_cannot_be_removed_does_not_keep_the_others() -> None:
    world = World(an_image("a", 100), an_image("b", 800))
    world.stuck = {"a"}
    async with world.looking():
        await world.clock.advance(300)
        assert world.removed == ["b"]


async def test_in_need_everything_goes_that_may() -> None:
    world = World(an_image("pause"), an_image("a"), an_image("b"))
    async with world.looking():
        await world.clock.advance(120)
        await world.collector.free_all()
        assert world.removed == ["a", "b"]
