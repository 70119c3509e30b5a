"""From a checked tree to Python closures: each node becomes a function of the bindings, made once.

Every step pays what upstream's evaluator counts for it (`costs.py` has the numbers), so that an expression cannot keep
the server busy for longer than its budget.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controlplane.cel import costs
from controlplane.cel.access import (
    MISSING,
    at,
    contains,
    has,
    inner_type,
    opened,
    optional_field,
    optional_index,
    reader,
)
from controlplane.cel.checker import Checked
from controlplane.cel.errors import EvaluationError, OutOfBudget
from controlplane.cel.frames import Frame, Step, truth
from controlplane.cel.functions import Function
from controlplane.cel.macros import MACROS, Walk, optional_map, scoped
from controlplane.cel.syntax import (
    CallNode,
    Comprehension,
    Identifier,
    Index,
    ListNode,
    Literal,
    MapNode,
    Node,
    ObjectNode,
    Select,
)
from controlplane.cel.values import LazyFields, ObjectValue, Optional, UInt, equal, type_of_value


def plan(checked: Checked) -> Step:
    """Return the function that evaluates a tree. It raises EvaluationError."""
    return _Planner(checked).step(checked.root)


class _Planner:
    def __init__(self, checked: Checked):
        self._checked = checked

    def step(self, node: Node) -> Step:
        if (constant := self._checked.constants.get(id(node))) is not None:
            return lambda frame: constant
        if (name := self._checked.names.get(id(node))) is not None:
            return _variable(name, self._reader(node))
        return _STEPS[type(node)](self, node)

    def _reader(self, node: Node) -> Callable[[Any], Any] | None:
        return reader(self._checked.types[id(node)])

    # --- names and fields

    def _literal(self, node: Literal) -> Step:
        value = node.value
        return lambda frame: value

    def _select(self, node: Select) -> Step:
        operand, key = self.step(node.operand), self._checked.fields.get(id(node), node.field)
        if node.test:
            return lambda frame: has(operand(frame), key)
        if node.optional:
            read = reader(inner_type(self._checked.types[id(node)]))
            return lambda frame: optional_field(operand(frame), key, read)
        return _selection(operand, key, self._reader(node))

    def _index(self, node: Index) -> Step:
        operand, index, read = self.step(node.operand), self.step(node.index), self._reader(node)
        if node.optional:
            read = reader(inner_type(self._checked.types[id(node)]))

            def indexed_if_there(frame: Frame) -> Any:
                frame.spend(1)
                return optional_index(operand(frame), index(frame), read)

            return indexed_if_there

        def indexed(frame: Frame) -> Any:
            frame.spend(1)
            value, key = operand(frame), index(frame)
            if type(value) is Optional:
                return optional_index(value, key, None)
            found = at(value, key)
            return found if read is None else read(found)

        return indexed

    # --- calls

    def _call(self, node: CallNode) -> Step:
        if (special := _SPECIAL.get(node.function)) is not None:
            return special(*(self.step(one) for one in node.arguments))
        function, member = self._checked.calls[id(node)]
        arguments = [self.step(one) for one in node.arguments]
        if member and node.target is not None:
            arguments.insert(0, self.step(node.target))
        return _CALLS.get(len(arguments), _call_many)(function, arguments)

    # --- aggregates

    def _list(self, node: ListNode) -> Step:
        steps, optional = [self.step(one) for one in node.elements], node.optional

        def make(frame: Frame) -> Any:
            frame.spend(costs.LIST)
            if not optional:
                return [step(frame) for step in steps]
            out = []
            for number, step in enumerate(steps):
                value = step(frame)
                if number not in optional:
                    out.append(value)
                elif opened(value).present:
                    out.append(value.inner)
            return out

        return make

    def _map(self, node: MapNode) -> Step:
        steps = [(self.step(one.key), self.step(one.value), one.optional) for one in node.entries]

        def make(frame: Frame) -> Any:
            frame.spend(costs.MAP)
            out: dict[Any, Any] = {}
            for key_step, value_step, optional in steps:
                key, value = key_step(frame), value_step(frame)
                if type(key) not in (str, int, bool, UInt):
                    raise EvaluationError(f"unsupported key type: {type_of_value(key)}")
                if key in out:
                    raise EvaluationError(f"Failed with repeated key: {key}")
                if not optional:
                    out[key] = value
                elif opened(value).present:
                    out[key] = value.inner
            return out

        return make

    def _object(self, node: ObjectNode) -> Step:
        steps = [(one.field, self.step(one.value), one.optional) for one in node.entries]
        type_name = node.name

        def make(frame: Frame) -> Any:
            frame.spend(costs.OBJECT)
            out = ObjectValue(type_name, {})
            for name, step, optional in steps:
                value = step(frame)
                if not optional:
                    out[name] = value
                elif opened(value).present:
                    out[name] = value.inner
            return out

        return make

    # --- macros

    def _comprehension(self, node: Comprehension) -> Step:
        range_ = self.step(node.range)
        condition = None if node.condition is None else self.step(node.condition)
        result = None if node.result is None else self.step(node.result)
        if node.macro in ("optMap", "optFlatMap"):
            assert result is not None
            return scoped(optional_map(range_, node.variable, result, wrap=node.macro == "optMap"))
        walk = Walk(range_, node.variable, node.second, self._element_reader(node))
        return scoped(MACROS[node.macro](walk, condition, result))

    def _element_reader(self, node: Comprehension) -> Callable[[Any], Any] | None:
        range_ = self._checked.types[id(node.range)]
        if range_.name == "list":
            return reader(range_.parameters[0])
        return reader(range_.parameters[1]) if range_.name == "map" and node.second else None


_STEPS: dict[type[Node], Callable[..., Step]] = {
    Literal: _Planner._literal,
    Select: _Planner._select,
    Index: _Planner._index,
    CallNode: _Planner._call,
    ListNode: _Planner._list,
    MapNode: _Planner._map,
    ObjectNode: _Planner._object,
    Comprehension: _Planner._comprehension,
}
assert Identifier not in _STEPS  # a name is a variable or a constant; the checker has found it


# --- names and fields


def _variable(name: str, read: Callable[[Any], Any] | None) -> Step:
    def variable(frame: Frame) -> Any:
        frame.left -= 1
        if frame.left < 0:
            raise OutOfBudget
        try:
            value = frame.variables[name]
        except KeyError:
            raise EvaluationError(f"no such attribute(s): {name}") from None
        return value if read is None else read(value)

    return variable


def _selection(operand: Step, key: str, read: Callable[[Any], Any] | None) -> Step:
    def selection(frame: Frame) -> Any:
        value = operand(frame)
        frame.left -= 1
        if frame.left < 0:
            raise OutOfBudget
        if type(value) is dict or type(value) is ObjectValue:
            found = value.get(key, MISSING)
            if found is MISSING:
                raise EvaluationError(f"no such key: {key}")
        elif type(value) is LazyFields:
            if not value.has(key):
                raise EvaluationError(f"no such key: {key}")
            found = value.get(key)
        elif type(value) is Optional:
            return optional_field(value, key, read)
        else:
            raise EvaluationError(f"no such key: {key}")
        return found if read is None else read(found)

    return selection


# --- calls


def _call_one(function: Function, arguments: list[Step]) -> Step:
    (first,) = arguments

    def call(frame: Frame) -> Any:
        value = first(frame)
        overload = function.overload((type(value),))
        frame.spend(1 if overload.cost is None else overload.cost(value))
        return overload.implementation(value)

    return call


def _call_two(function: Function, arguments: list[Step]) -> Step:
    first, second = arguments

    def call(frame: Frame) -> Any:
        left, right = first(frame), second(frame)
        overload = function.overload((type(left), type(right)))
        frame.spend(1 if overload.cost is None else overload.cost(left, right))
        return overload.implementation(left, right)

    return call


def _call_many(function: Function, arguments: list[Step]) -> Step:
    def call(frame: Frame) -> Any:
        given = [argument(frame) for argument in arguments]
        overload = function.overload(tuple(map(type, given)))
        frame.spend(1 if overload.cost is None else overload.cost(*given))
        return overload.implementation(*given)

    return call


_CALLS: dict[int, Callable[[Function, list[Step]], Step]] = {1: _call_one, 2: _call_two}


def _both(left: Step, right: Step) -> Step:
    return _logical(left, right, decisive=False)


def _either(left: Step, right: Step) -> Step:
    return _logical(left, right, decisive=True)


def _logical(left: Step, right: Step, *, decisive: bool) -> Step:
    """&& and ||: a value that decides makes up for an error on the other side."""

    def logical(frame: Frame) -> bool:
        try:
            if truth(left(frame)) is decisive:
                return decisive
        except OutOfBudget:
            raise
        except EvaluationError:
            if truth(right(frame)) is decisive:
                return decisive
            raise
        return truth(right(frame))

    return logical


def _conditional(condition: Step, yes: Step, no: Step) -> Step:
    return lambda frame: yes(frame) if truth(condition(frame)) else no(frame)


def _equality(expected: bool) -> Callable[[Step, Step], Step]:
    def make(left: Step, right: Step) -> Step:
        def compare(frame: Frame) -> bool:
            one, other = left(frame), right(frame)
            frame.spend(costs.of_smaller(one, other))
            return equal(one, other) is expected

        return compare

    return make


def _membership(value: Step, container: Step) -> Step:
    def member(frame: Frame) -> bool:
        wanted, inside = value(frame), container(frame)
        frame.spend(costs.of_elements(inside) if type(inside) is list else 1)
        return contains(inside, wanted)

    return member


_SPECIAL: dict[str, Callable[..., Step]] = {
    "_&&_": _both,
    "_||_": _either,
    "_?_:_": _conditional,
    "_==_": _equality(True),
    "_!=_": _equality(False),
    "@in": _membership,
}
