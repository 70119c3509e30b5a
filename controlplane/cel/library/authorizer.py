"""Asking from an expression who may do what: `authorizer.group("").resource("pods").check("list").allowed()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from controlplane.api import names
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, method
from controlplane.cel.types import BOOL, STRING, Type

AUTHORIZER_TYPE = Type("kubernetes.authorization.Authorizer")
PATH_CHECK = Type("kubernetes.authorization.PathCheck")
GROUP_CHECK = Type("kubernetes.authorization.GroupCheck")
RESOURCE_CHECK = Type("kubernetes.authorization.ResourceCheck")
DECISION = Type("kubernetes.authorization.Decision")

_CHECK_COST = 350_000  # units; upstream's estimate of what asking a webhook authorizer costs


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: about a path, or about a resource."""

    verb: str
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""
    service_account: tuple[str, str] | None = None  # namespace and name; None: who sent the request


@dataclass(frozen=True, slots=True)
class Answer:
    allowed: bool
    reason: str = ""
    error: str = ""
    cel_type: ClassVar[Type] = DECISION


Ask = Callable[[Question], Answer]


@dataclass(frozen=True, slots=True)
class AuthorizerValue:
    """The variable `authorizer`."""

    ask: Ask
    service_account: tuple[str, str] | None = None
    cel_type: ClassVar[Type] = AUTHORIZER_TYPE


@dataclass(frozen=True, slots=True)
class _PathCheck:
    ask: Ask
    question: Question
    cel_type: ClassVar[Type] = PATH_CHECK


@dataclass(frozen=True, slots=True)
class _GroupCheck:
    ask: Ask
    question: Question
    cel_type: ClassVar[Type] = GROUP_CHECK


@dataclass(frozen=True, slots=True)
class ResourceCheck:
    """What `resource(...)` gives, and the variable `authorizer.requestResource`."""

    ask: Ask
    question: Question
    cel_type: ClassVar[Type] = RESOURCE_CHECK


def _path(authorizer: AuthorizerValue, path: str) -> _PathCheck:
    if not path.strip():
        raise EvaluationError("path must not be empty")
    return _PathCheck(authorizer.ask, Question("", path=path, service_account=authorizer.service_account))


def _group(authorizer: AuthorizerValue, group: str) -> _GroupCheck:
    return _GroupCheck(authorizer.ask, Question("", group=group, service_account=authorizer.service_account))


def _service_account(authorizer: AuthorizerValue, namespace: str, name: str) -> AuthorizerValue:
    if names.dns1123_subdomain(name):
        raise EvaluationError("Invalid service account name")
    if names.dns1123_label(namespace):
        raise EvaluationError("Invalid service account namespace")
    return replace(authorizer, service_account=(namespace, name))


def _resource(check: _GroupCheck, resource: str) -> ResourceCheck:
    if not resource.strip():
        raise EvaluationError("resource must not be empty")
    return ResourceCheck(check.ask, replace(check.question, resource=resource))


def _narrowed(part: str) -> Callable[[ResourceCheck, str], ResourceCheck]:
    def narrow(check: ResourceCheck, value: str) -> ResourceCheck:
        changes: dict[str, Any] = {part: value}
        return ResourceCheck(check.ask, replace(check.question, **changes))

    return narrow


def _check(check: _PathCheck | ResourceCheck, verb: str) -> Answer:
    return check.ask(replace(check.question, verb=verb))


def add_to(functions: Functions) -> None:
    for type_, class_ in (
        (AUTHORIZER_TYPE, AuthorizerValue),
        (PATH_CHECK, _PathCheck),
        (GROUP_CHECK, _GroupCheck),
        (RESOURCE_CHECK, ResourceCheck),
        (DECISION, Answer),
    ):
        functions.knows(type_, class_)
    add = functions.add
    add("path", method(AUTHORIZER_TYPE, STRING, gives=PATH_CHECK), _path)
    add("group", method(AUTHORIZER_TYPE, STRING, gives=GROUP_CHECK), _group)
    add("serviceAccount", method(AUTHORIZER_TYPE, STRING, STRING, gives=AUTHORIZER_TYPE), _service_account)
    add("resource", method(GROUP_CHECK, STRING, gives=RESOURCE_CHECK), _resource)
    narrowing = {"subresource": "subresource", "namespace": "namespace", "name": "name",
                 "fieldSelector": "field_selector", "labelSelector": "label_selector"}  # fmt: skip
    for name, part in narrowing.items():
        add(name, method(RESOURCE_CHECK, STRING, gives=RESOURCE_CHECK), _narrowed(part))
    add("check", method(PATH_CHECK, STRING, gives=DECISION), _check, lambda *_: _CHECK_COST)
    add("check", method(RESOURCE_CHECK, STRING, gives=DECISION), _check, lambda *_: _CHECK_COST)
    add("allowed", method(DECISION, gives=BOOL), lambda answer: answer.allowed)
    add("reason", method(DECISION, gives=STRING), lambda answer: answer.reason)
    add("errored", method(DECISION, gives=BOOL), lambda answer: bool(answer.error))
    add("error", method(DECISION, gives=STRING), lambda answer: answer.error)
