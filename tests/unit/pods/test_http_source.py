"""Static pods from a real web server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.pods.http_source import HttpPods, manifest_pods
from nodeagent.pods.static import BadManifest
from tests.waiting import until


def _pod(name: str, image: str = "x:1") -> dict[str, object]:
    return {"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": image}]}}


def _json(document: object) -> str:
    return msgspec.json.encode(document).decode()


_TWO = _json({"kind": "PodList", "items": [_pod("a"), _pod("b")]})


@dataclass
class _Site:
    """A web server whose answer can be changed, asked by a node."""

    body: str = ""
    status: int = 200
    asked: list[str] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)
    changes: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("X-Key", ""))
        return web.Response(text=self.body, status=self.status)

    def changed(self) -> None:
        self.changes += 1

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[HttpPods]:
        application = web.Application()
        application.router.add_get("/pods", self.answer)
        async with TestServer(application, host="127.0.0.1") as server:
            pods = HttpPods(str(server.make_url("/pods")), [("X-Key", "k")], "n1", self.clock, self.changed)
            async with running(pods.run()):
                await self.next_answer(ask=False)
                yield pods

    async def next_answer(self, *, ask: bool = True) -> None:
        """Let 20 seconds pass, and what is asked then be answered and taken."""
        before = len(self.asked)
        if ask:
            await self.clock.advance(19)
            assert len(self.asked) == before
            await self.clock.advance(1)
        await until(lambda: len(self.asked) > before)
        await asyncio.sleep(0.05)


def _names(pods: HttpPods) -> list[str]:
    return sorted(pod.metadata.name for pod in pods.pods.values())


async def test_pods_come_and_go_with_the_answers(caplog: pytest.LogCaptureFixture) -> None:
    site = _Site(body=_json(_pod("a")))
    async with site.followed() as pods:
        assert _names(pods) == ["a-n1"]
        assert site.asked == ["k"]
        [pod] = pods.pods.values()
        assert pod.metadata.annotations["kubernetes.io/config.source"] == "http"
        site.body = _TWO
        await site.next_answer()
        assert _names(pods) == ["a-n1", "b-n1"]
        assert pods.pods[pod.metadata.uid] is pod  # what has not changed goes on
        for site.status, site.body in ((500, ""), (200, "kind: Service"), (200, _json(_pod("../x")))):
            await site.next_answer()
            assert _names(pods) == ["a-n1", "b-n1"]
        site.body = _json({"kind": "PodList", "items": []})
        await site.next_answer()
        assert _names(pods) == []
    assert site.changes == 3
    said = [record.getMessage().partition("/pods")[2] for record in caplog.records if record.levelname == "ERROR"]
    assert said[:2] == [": answered with status 500", ": neither a Pod nor a PodList"]
    assert "metadata.name: Invalid value" in said[2]


async def test_a_server_that_is_not_there_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    pods = HttpPods("http://127.0.0.1:1/pods", [], "n1", clock, lambda: None)
    async with running(pods.run()):
        await until(lambda: "static pods are as they were: http://127.0.0.1:1/pods" in caplog.text)
        await clock.advance(20)
        await asyncio.sleep(0.05)
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(_TWO, ["a-n1", "b-n1"], id="a list"),
        pytest.param("kind: PodList", [], id="an empty list"),
        pytest.param("kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: x}]}", ["a-n1"], id="YAML"),
    ],
)
def test_manifest_pods(text: str, expected: list[str]) -> None:
    assert [pod.metadata.name for pod in manifest_pods(text, "u", "n1", "").values()] == expected


@pytest.mark.parametrize("text", ["[", "3", "kind: List", "kind: PodList\nitems: 3", "kind: PodList\nitems: [3]"])
def test_what_is_no_list_of_pods(text: str) -> None:
    with pytest.raises(BadManifest, match="u:"):
        manifest_pods(text, "u", "n1", "")


def test_a_pod_stays_itself_wherever_it_stands_in_the_list() -> None:
    turned = _json({"items": [_pod("b"), _pod("a")], "kind": "PodList"})
    assert manifest_pods(turned, "u", "n1", "").keys() == manifest_pods(_TWO, "u", "n1", "").keys()
    newer = _json({"items": [_pod("b"), _pod("a", "x:2")], "kind": "PodList"})
    assert len(manifest_pods(newer, "u", "n1", "").keys() & manifest_pods(_TWO, "u", "n1", "").keys()) == 1
