"""What the macros do: walk a range, element by element, with their variables bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from controlplane.cel import costs
from controlplane.cel.access import opened
from controlplane.cel.errors import EvaluationError, OutOfBudget
from controlplane.cel.frames import Frame, Step, truth
from controlplane.cel.values import NONE, Optional


def scoped(step: Step) -> Step:
    """Put names back as they were, however a macro ends."""

    def scoped(frame: Frame) -> Any:
        outer = frame.variables
        try:
            return step(frame)
        finally:
            frame.variables = outer

    return scoped


class Walk:
    """Binds the variables of a macro to one element after another."""

    __slots__ = ("_range", "_read", "_second", "_variable")

    def __init__(self, range_: Step, variable: str, second: str, read: Callable[[Any], Any] | None):
        self._range, self._variable, self._second, self._read = range_, variable, second, read

    def each(self, frame: Frame, cost: int) -> Iterable[tuple[Any, Any]]:
        """Yield the key or index, and the element; `scoped` puts the names back."""
        value = self._range(frame)
        read, variable, second = self._read, self._variable, self._second
        pairs: Iterable[tuple[Any, Any]]
        if type(value) is list:
            pairs = enumerate(value) if second else ((one, one) for one in value)
        elif type(value) is dict:
            pairs = value.items() if second else ((key, key) for key in value)
        else:
            raise EvaluationError("no such overload")
        inner = frame.variables = dict(frame.variables)
        for key, element in pairs:
            frame.spend(cost)
            if read is not None:
                element = read(element)
            inner[variable] = key if second else element
            if second:
                inner[second] = element
            yield key, element


def _quantifier(walk: Walk, condition: Step, *, decisive: bool) -> Step:
    """all and exists: an element that decides makes up for errors of others."""

    def quantify(frame: Frame) -> bool:
        failure: EvaluationError | None = None
        for _ in walk.each(frame, costs.STEP_OF_QUANTIFIER):
            try:
                if truth(condition(frame)) is decisive:
                    return decisive
            except OutOfBudget:
                raise
            except EvaluationError as error:
                failure = error
        if failure is not None:
            raise failure
        return not decisive

    return quantify


def _exists_one(walk: Walk, condition: Step, result: Step | None) -> Step:
    return lambda frame: sum([truth(condition(frame)) for _ in walk.each(frame, costs.STEP_OF_QUANTIFIER)]) == 1


def _filter(walk: Walk, condition: Step, result: Step | None) -> Step:
    return lambda frame: [element for _, element in walk.each(frame, costs.STEP_OF_MAP) if truth(condition(frame))]


def _transform_list(walk: Walk, condition: Step | None, result: Step) -> Step:
    if condition is None:
        return lambda frame: [result(frame) for _ in walk.each(frame, costs.STEP_OF_MAP)]
    return lambda frame: [result(frame) for _ in walk.each(frame, costs.STEP_OF_MAP) if truth(condition(frame))]


def _transform_map(walk: Walk, condition: Step | None, result: Step) -> Step:
    return lambda frame: {
        key: result(frame)
        for key, _ in walk.each(frame, costs.STEP_OF_MAP)
        if condition is None or truth(condition(frame))
    }


def _transform_entries(walk: Walk, condition: Step | None, result: Step) -> Step:
    def transform(frame: Frame) -> Any:
        out: dict[Any, Any] = {}
        for _ in walk.each(frame, costs.STEP_OF_MAP):
            if condition is not None and not truth(condition(frame)):
                continue
            entries = result(frame)
            if type(entries) is not dict:
                raise EvaluationError("no such overload")
            for key, value in entries.items():
                if key in out:
                    raise EvaluationError(f"insert failed: key '{key}' already exists")
                out[key] = value
        return out

    return transform


def _sort_by(walk: Walk, condition: Step | None, result: Step) -> Step:
    from controlplane.cel.library.ordering import sort_key

    def ordered(frame: Frame) -> Any:
        pairs = [(result(frame), element) for _, element in walk.each(frame, costs.STEP_OF_MAP)]
        frame.spend(len(pairs))
        if len({type(key) for key, _ in pairs}) > 1:
            raise EvaluationError("list elements must have the same type")
        return [element for _, element in sorted(pairs, key=lambda pair: sort_key(pair[0]))]

    return ordered


MACROS: dict[str, Callable[..., Step]] = {
    "all": lambda walk, condition, _: _quantifier(walk, condition, decisive=False),
    "exists": lambda walk, condition, _: _quantifier(walk, condition, decisive=True),
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _transform_list,
    "transformList": _transform_list,
    "transformMap": _transform_map,
    "transformMapEntry": _transform_entries,
    "sortBy": _sort_by,
}


def optional_map(range_: Step, variable: str, result: Step, *, wrap: bool) -> Step:
    def transform(frame: Frame) -> Optional:
        value = opened(range_(frame))
        if not value.present:
            return NONE
        frame.variables = {**frame.variables, variable: value.inner}
        found = result(frame)
        return Optional(found) if wrap else opened(found)

    return transform
