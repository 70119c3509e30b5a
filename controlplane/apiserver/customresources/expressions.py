"""x-kubernetes-validations: rules in CEL, compiled once for each place of a schema and run wherever a value is there.

    self      the value at the place, typed by the schema      oldSelf    the one that it takes the place of

A rule that asks for oldSelf (a transition rule) is run only where there is one, or gets it as an optional. Elements of
a list have an old value if the list is a map; all rules of an object share one budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from controlplane.api.codec import Document
from controlplane.api.status import FieldError
from controlplane.api.structural.schema import Node
from controlplane.api.structural.values import correlate, is_there, same
from controlplane.api.validation.errors import forbidden, invalid, required
from controlplane.cel import CompileError, EvaluationError, OutOfBudget
from controlplane.cel.errors import NO_BUDGET
from controlplane.cel.escaping import escape
from controlplane.cel.program import Budget, Program, compile_expression
from controlplane.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Field,
    ObjectType,
    Type,
    list_of,
    map_of,
    optional_of,
)
from controlplane.cel.values import NONE, Optional

_NOWHERE = "<nil>"  # where upstream says that the whole object is
_LONGEST_MESSAGE = 5 * 1024  # bytes
_SCALARS = {"boolean": BOOL, "integer": INT, "number": DOUBLE}
_FORMATS = {"byte": BYTES, "date": TIMESTAMP, "date-time": TIMESTAMP, "datetime": TIMESTAMP, "duration": DURATION}
_META = ObjectType("ObjectMeta", fields={"name": Field(STRING), "generateName": Field(STRING)})
_OF_EVERY_OBJECT = {"apiVersion": Field(STRING), "kind": Field(STRING), "metadata": Field(_META)}


class RuleError(Exception):
    """A rule that does not compile, with upstream's text for why."""

    def __init__(self, message: str, *, in_message: bool = False):
        super().__init__(message)
        self.in_message = in_message  # it is the messageExpression that does not


def type_of(node: Node, name: str = "self", *, root: bool = False) -> Type:
    """Return the type that expressions see; `name` tells objects apart."""
    if node.int_or_string or node.nullable:
        return DYN
    match node.type:
        case "string":
            return _FORMATS.get(node.raw.get("format") or "", STRING)
        case "array":
            return list_of(type_of(node.items, f"{name}.@items") if node.items is not None else DYN)
        case "object" if node.properties or node.embedded or root:
            fields = {} if not (root or node.embedded) else dict(_OF_EVERY_OBJECT)
            for key, below in node.properties.items():
                called = escape(key)
                if called is not None and not ((root or node.embedded) and key in _OF_EVERY_OBJECT):
                    fields[called] = Field(type_of(below, f"{name}.{key}"), key)
            return ObjectType(name, fields=fields)
        case "object" if isinstance(node.additional, Node):
            return map_of(STRING, type_of(node.additional, f"{name}.@values"))
        case "object":
            return DYN if node.preserves else map_of(STRING, DYN)
    return _SCALARS.get(node.type, DYN)


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule."""

    raw: Mapping[str, Any]
    program: Program
    message: Program | None
    path: str  # what is added to the place that a mistake is reported at

    @property
    def optional(self) -> bool:
        return bool(self.raw.get("optionalOldSelf"))

    @property
    def is_transition(self) -> bool:
        return "oldSelf" in self.program.checked.names.values()

    @property
    def shown(self) -> str:
        """How messages name the rule."""
        return str(self.raw.get("message") or self.raw["rule"]).strip()


def compile_rule(raw: Mapping[str, Any], type_: Type) -> Rule:
    """Return a rule about values of a type. Raises RuleError."""
    variables = {"self": type_, "oldSelf": optional_of(type_) if raw.get("optionalOldSelf") else type_}
    try:
        program = compile_expression(raw["rule"].strip(), variables)
    except CompileError as error:
        raise RuleError(f"compilation failed: {error}") from error
    if program.type not in (BOOL, DYN):
        raise RuleError("cel expression must evaluate to a bool")
    text = (raw.get("messageExpression") or "").strip()
    return Rule(raw, program, _compile_message(text, variables) if text else None, _child(raw.get("fieldPath") or ""))


def _compile_message(text: str, variables: Mapping[str, Type]) -> Program:
    try:
        program = compile_expression(text, variables)
    except CompileError as error:
        raise RuleError(f"messageExpression compilation failed: {error}", in_message=True) from error
    if program.type not in (STRING, DYN):
        raise RuleError("messageExpression must evaluate to a string", in_message=True)
    return program


def _child(path: str) -> str:
    return path.removeprefix(".").replace("['", "[").replace("']", "]")


class CompiledRules:
    """The rules of a schema."""

    def __init__(self, node: Node):
        self._node = node

    @cached_property
    def _places(self) -> dict[int, list[Rule]]:
        """The rules of each place, by the identity of its node; compiled when an object is first written."""
        found: dict[int, list[Rule]] = {}
        for node, type_ in _typed(self._node, type_of(self._node, root=True), root=True):
            found[id(node)] = [compile_rule(raw, type_) for raw in node.rules if (raw.get("rule") or "").strip()]
        return found

    def broken(self, new: Document, old: Document | None) -> list[FieldError]:
        try:
            run = _Run(self._places)
        except RuleError as error:  # its definition was stored by a server that understood it
            return [invalid(_NOWHERE, self._node.type, f"rule compile error: {error}")]
        try:
            return list(run.at(new, _Old(old, old is not None), self._node, ""))
        except _Stopped as stopped:
            return [*run.found, stopped.error]


def _typed(node: Node, type_: Type, name: str = "self", *, root: bool = False) -> Iterator[tuple[Node, Type]]:
    """Yield every place that has rules of its own, with its type."""
    if node.rules:
        yield node, type_of(node, name, root=root) if not node.nullable else _not_null(node, name)
    for key, below in node.properties.items():
        if below.rules_below:
            yield from _typed(below, DYN, f"{name}.{key}")
    if isinstance(node.additional, Node) and node.additional.rules_below:
        yield from _typed(node.additional, DYN, f"{name}.@values")
    if node.items is not None and node.items.rules_below:
        yield from _typed(node.items, DYN, f"{name}.@items")


def _not_null(node: Node, name: str) -> Type:
    """Rules are not asked about nulls, so that at its own place a value has the type that the schema gives it."""
    from dataclasses import replace

    return type_of(replace(node, nullable=False), name)


@dataclass(frozen=True, slots=True)
class _Old:
    """The value that another takes the place of; or what is known above it, where there is none to compare with."""

    value: Any
    there: bool

    def key(self, name: str) -> _Old:
        held = self.value if self.there and type(self.value) is dict else {}
        return _Old(held.get(name), held.get(name) is not None)


class _Stopped(Exception):
    """No further rule is run."""

    def __init__(self, error: FieldError):
        self.error = error


class _Run:
    """All rules about one object, with their common budget."""

    def __init__(self, places: Mapping[int, Sequence[Rule]]):
        self._places, self._budget = places, Budget()
        self.found: list[FieldError] = []

    def at(self, value: Any, old: _Old, node: Node, path: str) -> Iterator[FieldError]:
        if value is None or not node.rules_below:
            return
        for rule in self._places.get(id(node), ()):
            for error in self._ask(rule, value, old, node, path):
                self.found.append(error)
                yield error
        if type(value) is dict:
            for key, inner in value.items():
                if key in node.properties:
                    yield from self.at(inner, old.key(key), node.properties[key], f"{path}.{key}" if path else key)
                elif isinstance(node.additional, Node):
                    yield from self.at(inner, old.key(key), node.additional, f"{path}[{key}]")
        elif type(value) is list and node.items is not None:
            before = correlate(old.value if old.there else None, node)
            for index, inner in enumerate(value):
                found = before(inner)
                yield from self.at(inner, _Old(found, is_there(found)), node.items, f"{path}[{index}]")

    def _ask(self, rule: Rule, value: Any, old: _Old, node: Node, path: str) -> Iterator[FieldError]:
        if rule.is_transition and not old.there and not rule.optional:
            return
        bindings: dict[str, Any] = {"self": value}
        if rule.optional:
            bindings["oldSelf"] = Optional(old.value) if old.there else NONE
        elif old.there:
            bindings["oldSelf"] = old.value
        here = path or _NOWHERE
        if self._budget.left <= 0:
            raise _Stopped(invalid(here, node.type, NO_BUDGET))
        try:
            holds = rule.program.value(bindings, budget=self._budget)
        except OutOfBudget as error:
            if self._budget.left <= 0:
                raise _Stopped(invalid(here, node.type, NO_BUDGET)) from error
            why = f"'{error}': no further validation rules will be run due to call cost exceeds limit for rule: "
            raise _Stopped(invalid(here, node.type, why + rule.shown)) from error
        except EvaluationError as error:
            yield invalid(here, node.type, _no_value(error, rule))
            return
        unchanged = not rule.is_transition and old.there and same(value, old.value)
        if holds is not True and not unchanged:
            yield self._mistake(rule, value, bindings, node, path)

    def _mistake(self, rule: Rule, value: Any, bindings: Mapping[str, Any], node: Node, path: str) -> FieldError:
        where = ".".join(part for part in (path, rule.path) if part) or _NOWHERE
        default = (rule.raw.get("message") or "").strip() or f"failed rule: {rule.shown}"
        why = self._message(rule, bindings) or default
        match rule.raw.get("reason"):
            case "FieldValueForbidden":
                return forbidden(where, why)
            case "FieldValueRequired":
                return required(where, why)
            case "FieldValueDuplicate":
                return FieldError("FieldValueDuplicate", where, "Duplicate value" + _shown(value, node))
        if node.type in ("object", "array"):
            return FieldError("FieldValueInvalid", where, f"Invalid value: {why}")
        return invalid(where, value, why)

    def _message(self, rule: Rule, bindings: Mapping[str, Any]) -> str:
        """Return what the rule's expression makes of the mistake; nothing if that cannot be shown."""
        if rule.message is None:
            return ""
        try:
            text = rule.message.value(bindings, budget=self._budget)
        except EvaluationError:
            return ""
        text = text.strip() if isinstance(text, str) else ""
        return text if "\n" not in text and len(text.encode()) <= _LONGEST_MESSAGE else ""


def _no_value(error: EvaluationError, rule: Rule) -> str:
    if str(error).startswith("no such overload"):
        why = "call arguments did not match a supported operator, function or macro signature for rule"
        return f"'{error}': {why}: {rule.shown}"
    return f"{error} evaluating rule: {rule.shown}"


def _shown(value: Any, node: Node) -> str:
    return "" if node.type in ("object", "array") else invalid("", value, "").message.removeprefix("Invalid value")


def mistakes_of_rules(node: Node, path: str) -> Iterator[FieldError]:
    """Yield each rule of a schema that does not compile, or asks for an old value where there can be none."""
    yield from _mistakes(node, path, "self", root=True, uncorrelated="")


def _mistakes(node: Node, path: str, name: str, *, root: bool = False, uncorrelated: str = "") -> Iterator[FieldError]:
    type_ = type_of(node, name, root=root) if not node.nullable else _not_null(node, name)
    for index, raw in enumerate(node.rules):
        here = f"{path}.x-kubernetes-validations[{index}]"
        try:
            rule = compile_rule(raw, type_)
        except RuleError as error:
            yield invalid(f"{here}.messageExpression" if error.in_message else f"{here}.rule", raw, str(error))
            continue
        if rule.is_transition and uncorrelated:
            why = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}"
            yield invalid(f"{here}.rule", raw["rule"], why)
        if not rule.is_transition and raw.get("optionalOldSelf") is not None:
            yield invalid(
                f"{here}.optionalOldSelf", raw["optionalOldSelf"], "may not be set if oldSelf is not used in rule"
            )
    for key, below in node.properties.items():
        if below.rules_below:
            yield from _mistakes(below, f"{path}.properties[{key}]", f"{name}.{key}", uncorrelated=uncorrelated)
    if isinstance(node.additional, Node) and node.additional.rules_below:
        here = f"{path}.additionalProperties"
        yield from _mistakes(node.additional, here, f"{name}.@values", uncorrelated=uncorrelated)
    if node.items is not None and node.items.rules_below:
        within = uncorrelated or ("" if node.list_type == "map" else path)
        yield from _mistakes(node.items, f"{path}.items", f"{name}.@items", uncorrelated=within)
