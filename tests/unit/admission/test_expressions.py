"""Expressions that ask an authorizer which has to ask somebody else."""

from __future__ import annotations

from controlplane.admission.expressions import Environment, bindings_of, compile_with, settled
from controlplane.admission.interface import Attributes, Caller, Operation
from controlplane.admission.outside import NotYetAnswered
from controlplane.admission.requests import Versioned
from controlplane.api.resources import BY_KIND
from controlplane.auth.interface import User
from controlplane.cel.library.authorizer import Answer, Question
from controlplane.cel.types import BOOL
from tests.fakes.reader import FakeReader


async def test_a_remote_authorizer_is_waited_for_and_asked_once() -> None:
    asked: list[str] = []

    def ask(user: Caller, question: Question) -> Answer:
        async def answer() -> Answer:
            asked.append(question.verb)
            return Answer(question.verb == "get", "because")

        raise NotYetAnswered(question, answer)

    node = BY_KIND["v1", "Node"]
    attributes = Attributes(Operation.CREATE, node, "a", User("jane"), document={})
    check = "authorizer.group('').resource('nodes').check"
    program = compile_with(f"{check}('get').allowed() && !{check}('list').allowed()", Environment(), (BOOL,))
    bindings = bindings_of(Versioned(attributes, node, {}, None), FakeReader(), ask)
    assert await settled(attributes, lambda: program.evaluate(bindings)) is True
    assert asked == ["get", "list"]
