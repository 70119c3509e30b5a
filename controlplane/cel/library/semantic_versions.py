"""Semantic versions (semver.org 2.0): `semver("1.2.3").isLessThan(semver("2.0.0"))`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from controlplane.cel import costs
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.types import BOOL, INT, STRING, Type

SEMVER_TYPE = Type("kubernetes.Semver")
_NUMBER = r"(0|[1-9]\d*)"
_PART = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_PART}(?:\.{_PART})*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Semver:
    numbers: tuple[int, int, int]
    before: tuple[str, ...] = ()  # what makes it a pre-release
    build: str = field(default="", compare=False)
    cel_type: ClassVar[Type] = SEMVER_TYPE

    @property
    def rank(self) -> tuple[Any, ...]:
        """What versions are ordered by: a pre-release comes before its release, numbers before words."""
        parts = tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in self.before)
        return (self.numbers, not self.before, parts)


def _parse(text: str, normalize: bool = False) -> Semver:
    match = _VERSION.fullmatch(_normalized(text) if normalize else text)
    if match is None:
        raise EvaluationError(f'"{text}" is not a semantic version')
    major, minor, patch, before, build = match.groups()
    return Semver((int(major), int(minor), int(patch)), tuple(before.split(".")) if before else (), build or "")


def _normalized(text: str) -> str:
    text = text.strip().removeprefix("v")
    numbers, mark, rest = text, "", ""
    if found := re.search(r"[-+]", text):
        numbers, mark, rest = text[: found.start()], found.group(), text[found.end() :]
    parts = [part.lstrip("0") or "0" for part in numbers.split(".")] + ["0", "0"]
    kept = parts[: max(3, len(parts) - 2)]
    return ".".join(kept) + mark + rest


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _parse(text, normalize)
    except EvaluationError:
        return False
    return True


def add_to(functions: Functions) -> None:
    semver = SEMVER_TYPE
    functions.knows(semver, Semver)
    add = functions.add
    add("semver", function(STRING, gives=semver), _parse, costs.of_first)
    add("semver", function(STRING, BOOL, gives=semver), _parse, costs.of_first)
    add("isSemver", function(STRING, gives=BOOL), _is_semver, costs.of_first)
    add("isSemver", function(STRING, BOOL, gives=BOOL), _is_semver, costs.of_first)
    add("isGreaterThan", method(semver, semver, gives=BOOL), lambda one, other: one.rank > other.rank)
    add("isLessThan", method(semver, semver, gives=BOOL), lambda one, other: one.rank < other.rank)
    add("compareTo", method(semver, semver, gives=INT), lambda a, b: (a.rank > b.rank) - (a.rank < b.rank))
    for at, name in enumerate(("major", "minor", "patch")):
        add(name, method(semver, gives=INT), lambda one, at=at: one.numbers[at])
