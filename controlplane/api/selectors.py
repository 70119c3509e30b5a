"""Which objects are meant: label selectors and field selectors, as one frozen value that says yes or no.

    parse_label_selector("app=web,tier in (a,b),!old").matches({"app": "web", "tier": "a"}) is True
    label_selector(deployment.spec.selector).matches(pod.metadata.labels)
    parse_field_selector("spec.nodeName=n1").matches({"spec.nodeName": "n1"}) is True

Text that cannot be read raises SelectorError with upstream's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from controlplane.api import names
from controlplane.api.meta_v1 import LabelSelector

_TOKEN = re.compile(r"==|!=|[=!<>(),]|[^\s=!<>(),]+")
_STRUCT_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


class SelectorError(ValueError):
    """A selector that cannot be read."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one key; `operator` is in, notin, exists, !, gt or lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return _MATCHES[self.operator](labels.get(self.key), self.values)

    def __str__(self) -> str:
        if self.operator in ("exists", "!"):
            return self.key if self.operator == "exists" else f"!{self.key}"
        if self.operator in ("gt", "lt"):
            return f"{self.key}{'>' if self.operator == 'gt' else '<'}{self.values[0]}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'in' else '!='}{self.values[0]}"
        return f"{self.key} {self.operator} ({','.join(sorted(self.values))})"


def _compared(found: str | None, bound: str, accept: Callable[[int, int], bool]) -> bool:
    try:
        return found is not None and accept(int(found), int(bound))
    except ValueError:
        return False  # a label that is no number is neither less nor greater


_MATCHES: dict[str, Callable[[str | None, tuple[str, ...]], bool]] = {
    "in": lambda found, values: found in values,
    "notin": lambda found, values: found is None or found not in values,
    "exists": lambda found, values: found is not None,
    "!": lambda found, values: found is None,
    "gt": lambda found, values: _compared(found, values[0], int.__gt__),
    "lt": lambda found, values: _compared(found, values[0], int.__lt__),
}


@dataclass(frozen=True, slots=True)
class Selector:
    """Every requirement must hold; none at all matches everything, unless the selector is `NOTHING`."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    @property
    def everything(self) -> bool:
        return not self.requirements and not self.nothing

    def matches(self, labels: Mapping[str, str]) -> bool:
        if self.nothing:
            return False
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)


def label_selector(selector: LabelSelector | None) -> Selector:
    """Return what a LabelSelector object means: None matches nothing, an empty one everything. Raises SelectorError."""
    if selector is None:
        return NOTHING
    requirements = [Requirement(key, "in", (value,)) for key, value in selector.match_labels.items()]
    for expression in selector.match_expressions:
        if expression.operator not in _STRUCT_OPERATORS:
            raise SelectorError(f'"{expression.operator}" is not a valid label selector operator')
        operator = _STRUCT_OPERATORS[expression.operator]
        requirements.append(Requirement(expression.key, operator, tuple(expression.values)))
    return Selector(tuple(sorted(requirements, key=lambda one: one.key)))


def labels_selector(labels: Mapping[str, str]) -> Selector:
    """Return the selector of a Service or ReplicationController: all these labels."""
    return Selector(tuple(Requirement(key, "in", (value,)) for key, value in sorted(labels.items())))


@lru_cache(maxsize=1024)
def parse_label_selector(text: str) -> Selector:
    """Return what `kubectl get -l TEXT` means. Raises SelectorError."""
    reader = _Reader(text)
    requirements = []
    while not reader.at_end:
        requirements.append(_requirement(reader))
        if not reader.at_end:
            reader.expect(",")
            if reader.at_end:
                raise SelectorError("found '', expected: identifier after ','")
    return Selector(tuple(sorted(requirements, key=lambda one: one.key)))


class _Reader:
    """The tokens of a selector, one after the other."""

    def __init__(self, text: str):
        self._tokens = _TOKEN.findall(text)
        self._next = 0

    @property
    def at_end(self) -> bool:
        return self._next >= len(self._tokens)

    def peek(self) -> str:
        return "" if self.at_end else self._tokens[self._next]

    def take(self) -> str:
        token = self.peek()
        self._next += 1
        return token

    def expect(self, wanted: str) -> None:
        if (found := self.take()) != wanted:
            raise SelectorError(f"unable to parse requirement: found '{found}', expected: '{wanted}'")


def _requirement(reader: _Reader) -> Requirement:
    absent = reader.peek() == "!"
    if absent:
        reader.take()
    key = _key(reader.take())
    if absent:
        return Requirement(key, "!")
    operator = reader.peek()
    if operator in ("", ","):
        return Requirement(key, "exists")
    reader.take()
    if operator in ("=", "==", "!="):
        return Requirement(key, "notin" if operator == "!=" else "in", (_value(key, _exact(reader)),))
    if operator in ("in", "notin"):
        return Requirement(key, operator, _value_list(key, reader))
    if operator in (">", "<"):
        return Requirement(key, "gt" if operator == ">" else "lt", (_bound(_exact(reader)),))
    raise SelectorError(
        f"unable to parse requirement: found '{operator}', expected: in, notin, =, ==, !=, gt, lt, <, >"
    )


def _key(token: str) -> str:
    if not token or token in ("=", "==", "!=", "!", "<", ">", "(", ")", ","):
        raise SelectorError(f"unable to parse requirement: found '{token}', expected: '!', identifier")
    if why := names.qualified_name(token):
        raise SelectorError(f'unable to parse requirement: key: Invalid value: "{token}": {"; ".join(why)}')
    return token


def _exact(reader: _Reader) -> str:
    return "" if reader.peek() in ("", ",") else reader.take()


def _value(key: str, token: str) -> str:
    if why := names.label_value(token):
        raise SelectorError(
            f'unable to parse requirement: values[0][{key}]: Invalid value: "{token}": {"; ".join(why)}'
        )
    return token


def _value_list(key: str, reader: _Reader) -> tuple[str, ...]:
    reader.expect("(")
    values = []
    while True:
        values.append(_value(key, "" if reader.peek() in (",", ")") else reader.take()))
        if reader.peek() != ",":
            break
        reader.take()
    reader.expect(")")
    return tuple(dict.fromkeys(values))


def _bound(token: str) -> str:
    if not re.fullmatch(r"[+-]?[0-9]+", token):
        raise SelectorError(
            f"unable to parse requirement: values[0]: Invalid value: \"{token}\": for 'Gt', 'Lt' operators, the value "
            "must be an integer"
        )
    return token


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """`field=value`, or with `equal` False `field!=value`."""

    field: str
    value: str
    equal: bool = True


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Every term must hold; a field that is absent is the empty text."""

    terms: tuple[FieldTerm, ...] = ()

    @property
    def everything(self) -> bool:
        return not self.terms

    def matches(self, fields: Mapping[str, str]) -> bool:
        return all((fields.get(term.field, "") == term.value) is term.equal for term in self.terms)

    def exact(self, field: str) -> str | None:
        """Return the one value that `field` must have, if the selector says so."""
        return next((term.value for term in self.terms if term.field == field and term.equal), None)

    def __str__(self) -> str:
        return ",".join(f"{term.field}{'=' if term.equal else '!='}{_escape(term.value)}" for term in self.terms)


@lru_cache(maxsize=1024)
def parse_field_selector(text: str) -> FieldSelector:
    """Return what `kubectl get --field-selector TEXT` means. Raises SelectorError."""
    return FieldSelector(tuple(_field_term(term, text) for term in re.split(r"(?<!\\),", text) if term))


def _field_term(term: str, text: str) -> FieldTerm:
    found = re.search(r"(?<!\\)(!=|==|=)", term)
    if found is None:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
    return FieldTerm(term[: found.start()], _unescape(term[found.end() :]), equal=found[1] != "!=")


def _unescape(value: str) -> str:
    if re.search(r"(?<!\\)(?:\\\\)*[=,]", value):
        raise SelectorError(f"invalid field selector: unescaped character in value: {value}")
    return re.sub(r"\\([\\,=])", r"\1", value)


def _escape(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)
