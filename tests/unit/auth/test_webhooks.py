"""Webhooks without HTTP: what is kept and for how long, when is asked again, and what an answer means."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import msgspec
import pytest

from controlplane.auth.authorizers import UnionAuthorizer, decide
from controlplane.auth.interface import AccessRequest, Authorizer, Decision, Unanswered, User
from controlplane.auth.remote import Reply, Unanswering, Webhook
from controlplane.auth.webhook_authorizer import WebhookAuthorizer, WebhookPolicy, decision_of, review
from controlplane.kit.clock import ManualClock
from controlplane.kit.expiring import ExpiringCache

JANE = User("jane", groups=("dev",))
GET_POD = AccessRequest(JANE, "get", "", "v1", "pods", namespace="shop", name="web-0")


class Counted:
    """Notes what an authorizer tells of its webhook."""

    def __init__(self) -> None:
        self.results: list[str] = []
        self.opened = 0

    def asked(self, name: str, result: str, seconds: float) -> None:
        self.results.append(result)

    def failed_open(self, name: str, result: str) -> None:
        self.opened += 1


class Server:
    """A webhook that gives these answers, in order, the last one for ever."""

    def __init__(self, *answers: Any):
        self._answers, self.asked = list(answers), 0

    async def __call__(self, body: bytes) -> Reply:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer, b"") if isinstance(answer, int) else Reply(201, msgspec.json.encode({"status": answer}))


def authorizer(server: Server, clock: ManualClock, counted: Counted | None = None, **policy: Any) -> WebhookAuthorizer:
    return WebhookAuthorizer(
        Webhook(server, clock, Random(1)), WebhookPolicy("w", **policy), clock, counted or Counted()
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"allowed": True, "reason": "why not"}, Decision(True, "why not")),
        ({"allowed": False}, Decision(False)),
        ({}, Decision(False)),
        ({"denied": True, "reason": "no"}, Decision(False, "no", denied=True)),
        ({"allowed": True, "denied": True}, Decision(False, denied=True)),
    ],
)
def test_what_an_answer_means(status: Any, expected: Decision) -> None:
    assert decision_of(status) == expected


async def test_answers_are_kept_for_their_time() -> None:
    clock = ManualClock()
    server = Server({"allowed": True}, {"allowed": False})
    asking = authorizer(server, clock, authorized_ttl=60.0, unauthorized_ttl=10.0)
    with pytest.raises(Unanswered):
        asking.authorize(GET_POD)
    assert (await decide(asking, GET_POD)).allowed
    assert asking.authorize(GET_POD).allowed  # from memory
    await clock.advance(60)
    assert not (await decide(asking, GET_POD)).allowed
    await clock.advance(10)
    with pytest.raises(Unanswered):
        asking.authorize(GET_POD)
    assert server.asked == 2


async def test_what_a_caller_made_long_is_not_kept() -> None:
    server = Server({"allowed": True})
    asking = authorizer(server, ManualClock())
    long = AccessRequest(JANE, "get", path="/" + "x" * 10_000)
    await decide(asking, long)
    await decide(asking, long)
    assert server.asked == 2


@pytest.mark.parametrize(
    ("answers", "asked", "allowed"),
    [
        pytest.param([500, 429, {"allowed": True}], 3, True, id="a server that recovers"),
        pytest.param([Unanswering("reset", passing=True), {"allowed": True}], 2, True, id="a connection that broke"),
        pytest.param([500], 5, False, id="a server that does not recover"),
        pytest.param([403], 1, False, id="a refusal is not asked again"),
        pytest.param([Unanswering("no route")], 1, False, id="nor is nobody"),
    ],
)
async def test_passing_failures_are_asked_again(answers: list[Any], asked: int, allowed: bool) -> None:
    clock, server, counted = ManualClock(), Server(*answers), Counted()
    task = asyncio.ensure_future(decide(authorizer(server, clock, counted), GET_POD))
    for _ in range(6):
        await clock.advance(5)
    assert (await task).allowed is allowed
    assert server.asked == asked
    assert (counted.results, counted.opened) == ((["success"], 0) if allowed else (["error"], 1))


@pytest.mark.parametrize(("deny", "expected"), [(False, Decision(False)), (True, Decision(False, denied=True))])
async def test_no_answer(deny: bool, expected: Decision) -> None:
    asking = authorizer(Server(403), ManualClock(), deny_on_error=deny)
    assert await decide(asking, GET_POD) == expected


async def test_conditions_decide_whether_a_webhook_is_asked() -> None:
    def never_of_jane(review: Any) -> bool:
        if review["spec"]["user"] == "broken":
            raise ValueError("no such field")
        return bool(review["spec"]["user"] != "jane")

    server = Server({"allowed": True})
    asking = authorizer(server, ManualClock(), matches=never_of_jane, deny_on_error=True)
    assert asking.authorize(GET_POD) == Decision(False)
    assert asking.authorize(AccessRequest(User("broken"), "get", path="/")) == Decision(False, denied=True)
    assert server.asked == 0
    assert (await decide(asking, AccessRequest(User("bob"), "get", path="/"))).allowed


def test_the_old_version_has_another_word_for_groups() -> None:
    assert review({"user": "jane", "groups": ["dev"]}, "v1beta1")["spec"] == {"user": "jane", "group": ["dev"]}
    assert review({"groups": ["dev"]}, "v1")["apiVersion"] == "authorization.k8s.io/v1"


class Says:
    """An authorizer that always says the same."""

    def __init__(self, allowed: bool, reason: str = "", denied: bool = False):
        self._decision, self.asked = Decision(allowed, reason, denied), 0

    def authorize(self, request: AccessRequest) -> Decision:
        self.asked += 1
        return self._decision


class AsksElsewhere(Says):
    """The same, of another server."""

    def authorize(self, request: AccessRequest) -> Decision:
        async def answer() -> Decision:
            return Says.authorize(self, request)

        raise Unanswered(answer)


@pytest.mark.parametrize(
    ("authorizers", "expected"),
    [
        pytest.param([Says(True), AsksElsewhere(False, denied=True)], Decision(True), id="memory first"),
        pytest.param([AsksElsewhere(True, "yes"), Says(False)], Decision(True, "yes"), id="a yes from elsewhere"),
        pytest.param([Says(False, "a"), AsksElsewhere(False, "b"), Says(False, "c")], Decision(False, "a\nb\nc"),
                     id="reasons in order"),
        pytest.param([AsksElsewhere(False), Says(True, "rbac")], Decision(True, "rbac"), id="no opinion, then a yes"),
        pytest.param([AsksElsewhere(False, "no", denied=True), Says(True)], Decision(False, "no", denied=True),
                     id="a denial is the end"),
        pytest.param([AsksElsewhere(False), AsksElsewhere(True, "2nd")], Decision(True, "2nd"), id="two elsewhere"),
        pytest.param([Says(False, "no", denied=True), AsksElsewhere(True)], Decision(False, "no", denied=True),
                     id="a denial from memory"),
    ],
)  # fmt: skip
async def test_several_authorizers(authorizers: list[Authorizer], expected: Decision) -> None:
    assert await decide(UnionAuthorizer(*authorizers), GET_POD) == expected


def test_what_memory_holds_never_waits() -> None:
    assert UnionAuthorizer(Says(True), AsksElsewhere(True)).authorize(GET_POD).allowed


async def test_a_memory_that_is_full_forgets_what_nobody_asks_for() -> None:
    clock = ManualClock()
    cache: ExpiringCache[str, int] = ExpiringCache(2, clock)
    cache.put("a", 1, 10)
    cache.put("b", 2, 5)
    assert cache.get("a") == 1
    cache.put("c", 3, 10)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    cache.put("never", 4, 0)
    assert cache.get("never") is None
    await clock.advance(10)
    assert cache.get("a") is None
