"""Expressions of webhooks and policies: which variables they have, and what those stand for in a request.

object oldObject            the object as it will be and as it is stored; null where there is none
request                     the AdmissionRequest, without the objects
namespaceObject             the namespace; null for what is in none
params                      of policies with a paramKind
authorizer                  asks what the caller may do; not in messages
variables.NAME              of policies, evaluated when first asked for
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from controlplane.admission.interface import Attributes
from controlplane.admission.outside import Ask, NotYetAnswered
from controlplane.admission.requests import Versioned
from controlplane.admission.selection import is_namespace, namespace_of
from controlplane.api.codec import Document, to_document
from controlplane.api.core_v1 import Namespace
from controlplane.api.reader import ObjectReader
from controlplane.cel import CompileError, EvaluationError, OutOfBudget
from controlplane.cel.errors import NO_BUDGET
from controlplane.cel.library.authorizer import (
    AUTHORIZER_TYPE,
    RESOURCE_CHECK,
    Answer,
    AuthorizerValue,
    Question,
    ResourceCheck,
)
from controlplane.cel.program import Budget, Program, compile_expression
from controlplane.cel.types import (
    BOOL,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Field,
    ObjectType,
    Type,
    list_of,
    map_of,
)

T = TypeVar("T")


class ExpressionError(Exception):
    """An expression that does not compile, with upstream's text for why."""


def _object_type(type_name: str, /, **fields: Type) -> ObjectType:
    return ObjectType(type_name, fields={key: Field(type_) for key, type_ in fields.items()})


_GVK = _object_type("kubernetes.GroupVersionKind", group=STRING, version=STRING, kind=STRING)
_GVR = _object_type("kubernetes.GroupVersionResource", group=STRING, version=STRING, resource=STRING)
_USER = _object_type(
    "kubernetes.UserInfo", username=STRING, uid=STRING, groups=list_of(STRING), extra=map_of(STRING, list_of(STRING))
)
REQUEST_TYPE = _object_type(
    "kubernetes.AdmissionRequest",
    kind=_GVK,
    resource=_GVR,
    subResource=STRING,
    requestKind=_GVK,
    requestResource=_GVR,
    requestSubResource=STRING,
    name=STRING,
    namespace=STRING,
    operation=STRING,
    userInfo=_USER,
    dryRun=BOOL,
    options=DYN,
)
_CONDITION = _object_type(
    "kubernetes.NamespaceCondition",
    status=STRING,
    type=STRING,
    lastTransitionTime=TIMESTAMP,
    message=STRING,
    reason=STRING,
)
NAMESPACE_TYPE = _object_type(
    "kubernetes.Namespace",
    metadata=ObjectType(
        "kubernetes.NamespaceMetadata",
        fields={
            "name": Field(STRING),
            "generateName": Field(STRING),
            "namespace": Field(STRING),
            "labels": Field(map_of(STRING, STRING)),
            "annotations": Field(map_of(STRING, STRING)),
            "UID": Field(STRING, "uid"),
            "creationTimestamp": Field(TIMESTAMP),
            "deletionGracePeriodSeconds": Field(INT),
            "deletionTimestamp": Field(TIMESTAMP),
            "generation": Field(INT),
            "resourceVersion": Field(STRING),
            "finalizers": Field(list_of(STRING)),
        },
    ),
    spec=_object_type("kubernetes.NamespaceSpec", finalizers=list_of(STRING)),
    status=_object_type("kubernetes.NamespaceStatus", conditions=list_of(_CONDITION), phase=STRING),
)


@dataclass(frozen=True, slots=True)
class Environment:
    """Which optional variables expressions have."""

    params: bool = False
    authorizer: bool = True
    patches: bool = False  # whether they write objects: those of mutating policies
    object: Type = DYN  # known when a policy is checked against a schema

    def variables(self) -> dict[str, Type]:
        known = {"object": self.object, "oldObject": self.object, "request": REQUEST_TYPE}
        known["namespaceObject"] = NAMESPACE_TYPE
        if self.params:
            known["params"] = DYN
        if self.authorizer:
            known |= {"authorizer": AUTHORIZER_TYPE, "authorizer.requestResource": RESOURCE_CHECK}
        return known


JSON_PATCH = _object_type("JSONPatch", op=STRING, path=STRING, **{"from": STRING}, value=DYN)


def _patch_type(name: str) -> Type | None:
    """`JSONPatch{...}`, `Object{...}`, `Object.spec.template{...}`: the fields of the latter are not checked."""
    if name == "JSONPatch":
        return JSON_PATCH
    return ObjectLiteral(name) if name == "Object" or name.startswith("Object.") else None


def ObjectLiteral(name: str) -> Type:
    return Type(name)


def compile_with(
    expression: str,
    environment: Environment,
    returns: Sequence[Type] = (),
    variables: Mapping[str, Type] | None = None,
) -> Program:
    """Return a program that gives one of the types `returns` (none: any). Raises ExpressionError."""
    if variables is None:
        return _compiled(expression, environment, tuple(returns))
    return _compile(expression, environment, tuple(returns), variables)


@lru_cache(maxsize=1024)
def _compiled(expression: str, environment: Environment, returns: tuple[Type, ...]) -> Program:
    return _compile(expression, environment, returns, None)


def _compile(
    expression: str, environment: Environment, returns: tuple[Type, ...], variables: Mapping[str, Type] | None
) -> Program:
    names = environment.variables()
    if variables is not None:
        names["variables"] = ObjectType(
            "kubernetes.variables", fields={name: Field(type_) for name, type_ in variables.items()}
        )
    try:
        if environment.patches:
            program = compile_expression(expression, names, find_type=_patch_type)
        else:
            program = compile_expression(expression, names)
    except CompileError as error:
        raise ExpressionError(f"compilation failed: {error}") from error
    if returns and program.type not in returns:
        if len(returns) == 1:
            raise ExpressionError(f"must evaluate to {returns[0]} but got {program.type}")
        raise ExpressionError(f"must evaluate to one of [{' '.join(map(str, returns))}] but got {program.type}")
    return program


class Failed(Exception):
    """An expression without a value, with upstream's text."""


class OverBudget(Exception):
    """What may be spent on a request is spent."""


def evaluate(program: Program, bindings: Mapping[str, Any], budget: Budget) -> Any:
    """Return a value. Raises Failed; OverBudget when all that is allowed has been spent."""
    try:
        return program.value(bindings, budget=budget)
    except OutOfBudget as error:
        if budget.left <= 0:
            raise OverBudget(NO_BUDGET) from error
        raise Failed(f"expression '{program.expression}' resulted in error: {error}") from error
    except EvaluationError as error:
        raise Failed(f"expression '{program.expression}' resulted in error: {error}") from error


# --- what the variables stand for


def bindings_of(versioned: Versioned, reader: ObjectReader, ask: Ask) -> dict[str, Any]:
    """Return what every variable but `params` and `variables` stands for."""
    attributes = versioned.attributes

    answers = _answers(attributes)

    def asked(question: Question) -> Answer:
        if question not in answers:
            answers[question] = ask(attributes.user, question)
        return answers[question]

    resource = versioned.resource
    return {
        "object": versioned.document,
        "oldObject": versioned.old,
        "request": versioned.request(),
        "namespaceObject": _namespace(attributes, reader),
        "authorizer": AuthorizerValue(asked),
        "authorizer.requestResource": ResourceCheck(
            asked,
            Question(
                "",
                group=resource.group,
                resource=resource.plural,
                subresource=attributes.subresource,
                namespace=namespace_of(attributes),
                name=attributes.name,
            ),
        ),
    }


def _answers(attributes: Attributes) -> dict[Question, Answer]:
    """Return what the authorizer has answered already in this request: it is asked everything once."""
    kept: dict[Question, Answer] = attributes.rounds.kept.setdefault("authorizer", {})
    return kept


async def settled(attributes: Attributes, work: Callable[[], T]) -> T:
    """Return what `work` evaluates to, again whenever another server has to be asked first what somebody may."""
    while True:
        try:
            return work()
        except NotYetAnswered as pending:
            _answers(attributes)[pending.question] = await pending.answer()


def _namespace(attributes: Attributes, reader: ObjectReader) -> Document | None:
    if is_namespace(attributes.resource) or not attributes.namespace:
        return None
    found = reader.get(Namespace, "", attributes.namespace)
    if found is None:
        return None
    document = to_document(found)
    document["metadata"].pop("managedFields", None)
    document["metadata"].pop("ownerReferences", None)
    return document
