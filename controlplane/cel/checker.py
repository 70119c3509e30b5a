"""Types of expressions: every name, field and call is found, or reported in upstream's words.

Nothing is evaluated here. What it learns that evaluation needs (which variable a dotted name is, which function a call
means, what has to be read as a timestamp) goes to `plan.py` in a `Checked`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from controlplane.cel import types, values
from controlplane.cel.errors import CompileError, EvaluationError, Issue
from controlplane.cel.functions import Function, Functions, Signature
from controlplane.cel.parser import qualified_name
from controlplane.cel.patterns import compiled
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
from controlplane.cel.types import BOOL, DYN, ERROR, ObjectType, Substitution, Type

FindType = Callable[[str], Type | None]
"""Finds the type that an object is written with, `Name{...}`: an ObjectType, DYN for any fields, None: no such."""


@dataclass(slots=True)
class Checked:
    """What is known of each node, by its `id`."""

    root: Node
    types: dict[int, Type] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)  # nodes that are a variable, dots included
    constants: dict[int, Type] = field(default_factory=dict)  # nodes that name a type
    calls: dict[int, tuple[Function, bool]] = field(default_factory=dict)  # and whether the target is an argument
    fields: dict[int, str] = field(default_factory=dict)  # selections whose key in the document has another name

    @property
    def type(self) -> Type:
        return self.types[id(self.root)]


def check(source: str, root: Node, variables: Mapping[str, Type], functions: Functions, find_type: FindType) -> Checked:
    """Return what is known of a tree. Raises CompileError with everything that is wrong."""
    checker = _Checker(root, variables, functions, find_type)
    try:
        checker.visit(root)
    except RecursionError:
        raise CompileError(source, [Issue(0, "expression recursion limit exceeded")]) from None
    if checker.issues:
        raise CompileError(source, checker.issues)
    checked = checker.checked
    checked.types = {key: checker.known.settle(type_) for key, type_ in checked.types.items()}
    return checked


_LITERALS = {bool: BOOL, int: types.INT, values.UInt: types.UINT, float: types.DOUBLE, str: types.STRING,
             bytes: types.BYTES, type(None): types.NULL}  # fmt: skip
_TYPE_NAMES = {name: Type(name) for name in ("bool", "int", "uint", "double", "string", "bytes", "optional_type")} | {
    "null_type": types.NULL,
    "list": types.list_of(DYN),
    "map": types.map_of(DYN, DYN),
    "type": types.type_of(DYN),
    "google.protobuf.Timestamp": types.TIMESTAMP,
    "google.protobuf.Duration": types.DURATION,
}


_LITERAL_CHECKS: dict[str, Callable[[str], object]] = {
    "duration": values.Duration.parse,
    "timestamp": values.Timestamp.parse,
    "matches": compiled,
}


class _Checker:
    def __init__(self, root: Node, variables: Mapping[str, Type], functions: Functions, find_type: FindType):
        self.checked = Checked(root)
        self.known = Substitution()
        self.issues: list[Issue] = []
        self._variables, self._functions, self._find_type = dict(variables), functions, find_type
        self._fresh = 0
        self._mixed = False  # inside the arguments of format(), whose list is of anything

    def visit(self, node: Node) -> Type:
        type_ = _VISITS[type(node)](self, node)
        self.checked.types[id(node)] = type_
        return type_

    def _report(self, offset: int, message: str) -> Type:
        self.issues.append(Issue(offset, message))
        return ERROR

    def _undeclared(self, offset: int, name: str) -> Type:
        return self._report(offset, f"undeclared reference to '{name}' (in container '')")

    def _show(self, type_: Type) -> Type:
        return self.known.resolve(type_)

    # --- names and fields

    def _literal(self, node: Literal) -> Type:
        return _LITERALS[type(node.value)]

    def _name(self, node: Node, name: str) -> Type | None:
        """Return the type of a variable or of the name of a type; None: there is none of this name."""
        if name in self._variables:
            self.checked.names[id(node)] = name
            return self._variables[name]
        found = _TYPE_NAMES.get(name) or self._functions.names.get(name)
        if found is None:
            return None
        self.checked.constants[id(node)] = found
        return types.type_of(found)

    def _identifier(self, node: Identifier) -> Type:
        return self._name(node, node.name) or self._undeclared(node.offset, node.name)

    def _select(self, node: Select) -> Type:
        if not node.test and not node.optional and (name := qualified_name(node)):
            root = name.partition(".")[0]
            dotted = None if root in self._variables and name not in self._variables else self._name(node, name)
            if dotted is not None:
                return dotted
        operand = self._show(self.visit(node.operand))
        is_optional = operand.name == "optional_type"
        inner = self._show(operand.parameters[0]) if is_optional and operand.parameters else operand
        field = self._field(node, inner)
        if node.test:
            return BOOL
        return types.optional_of(field) if (node.optional or is_optional) and field != ERROR else field

    def _field(self, node: Select, operand: Type) -> Type:
        if isinstance(operand, ObjectType):
            found = operand.fields.get(node.field)
            if found is None:
                return self._report(node.offset, f"undefined field '{node.field}'")
            if found.name and found.name != node.field:
                self.checked.fields[id(node)] = found.name
            return found.type
        if operand.name == "map":
            return operand.parameters[1]
        if operand in (DYN, ERROR) or types.is_parameter(operand):
            return DYN
        return self._report(node.offset, f"type '{operand}' does not support field selection")

    def _index(self, node: Index) -> Type:
        operand, index = self._show(self.visit(node.operand)), self.visit(node.index)
        is_optional = operand.name == "optional_type"
        inner = self._show(operand.parameters[0]) if is_optional and operand.parameters else operand
        result: Type
        if inner in (DYN, ERROR) or types.is_parameter(inner):
            result = DYN
        elif inner.name == "list" and self.known.accepts(types.INT, index):
            result = inner.parameters[0]
        elif inner.name == "map" and self.known.accepts(inner.parameters[0], index):
            result = inner.parameters[1]
        else:
            name = "_[?_]" if node.optional else "_[_]"
            return self._no_overload(node.offset, name, (operand, index), member=False)
        return types.optional_of(result) if node.optional or is_optional else result

    # --- calls

    def _call(self, node: CallNode) -> Type:
        if node.function == "_?_:_":
            return self._conditional(node)
        function, member = self._resolve(node)
        given: list[Type] = []
        if member and node.target is not None:
            given.append(self.visit(node.target))
        mixed, self._mixed = self._mixed, self._mixed or node.function == "format"
        given += [self.visit(argument) for argument in node.arguments]
        self._mixed = mixed
        if function is None:
            return self._undeclared(node.offset, node.function)
        self.checked.calls[id(node)] = (function, member)
        self._check_literal(node)
        return self._choose(node, function, given, member)

    def _check_literal(self, node: CallNode) -> None:
        """Report a literal that its function will never take: upstream's validators of syntax trees do."""
        check = _LITERAL_CHECKS.get(node.function)
        argument = node.arguments[-1] if node.arguments else None
        if check is None or not isinstance(argument, Literal) or not isinstance(argument.value, str):
            return
        try:
            check(argument.value)
        except EvaluationError:
            self._report(argument.offset, f"invalid {node.function} argument")

    def _resolve(self, node: CallNode) -> tuple[Function | None, bool]:
        """Return the function meant, and whether what is before the dot is an argument of it."""
        if node.target is None:
            return self._functions.find(node.function, False), False
        if (prefix := qualified_name(node.target)) and prefix.partition(".")[0] not in self._variables:
            function = self._functions.find(f"{prefix}.{node.function}", False)
            if function is not None:
                return function, False
        return self._functions.find(node.function, True), True

    def _conditional(self, node: CallNode) -> Type:
        condition, yes, no = (self.visit(one) for one in node.arguments)
        if self.known.accepts(BOOL, condition) and (both := types.join(yes, no, self.known)) is not None:
            return both
        return self._no_overload(node.offset, "_?_:_", (condition, yes, no), member=False)

    def _choose(self, node: CallNode, function: Function, given: Sequence[Type], member: bool) -> Type:
        if any(self._show(one) == ERROR for one in given):
            return ERROR
        result: Type | None = None
        for overload in function.overloads:
            signature = self._instance(overload.signature)
            if len(signature.parameters) != len(given):
                continue
            attempt = Substitution(self.known)
            if not all(attempt.accepts(*pair) for pair in zip(signature.parameters, given, strict=True)):
                continue
            one = attempt.resolve(signature.result)
            if result is None:
                result, self.known = one, attempt
            elif result != one:
                result = DYN
        return result if result is not None else self._no_overload(node.offset, node.function, given, member)

    def _instance(self, signature: Signature) -> Signature:
        """Return a signature with parameters of its own, for this call only."""
        if not any(_has_parameter(one) for one in (*signature.parameters, signature.result)):
            return signature
        self._fresh += 1
        names = {types.A: Type(f"<A{self._fresh}>"), types.B: Type(f"<B{self._fresh}>")}
        parameters = tuple(_renamed(one, names) for one in signature.parameters)
        return Signature(parameters, _renamed(signature.result, names), signature.member)

    def _no_overload(self, offset: int, name: str, given: Sequence[Type], member: bool) -> Type:
        shown = [str(self.known.settle(one)) for one in given]
        if any(self._show(one) == ERROR for one in given):
            return ERROR
        applied = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
        return self._report(offset, f"found no matching overload for '{name}' applied to '{applied}'")

    # --- aggregates

    def _list(self, node: ListNode) -> Type:
        element: Type | None = None
        for number, one in enumerate(node.elements):
            type_ = self.visit(one)
            if number in node.optional:
                type_ = self._opened(one, type_)
            element = self._same(element, type_, one.offset)
        return types.list_of(element if element is not None else self._unknown())

    def _map(self, node: MapNode) -> Type:
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            key = self._same(key, self.visit(entry.key), entry.key.offset)
            type_ = self.visit(entry.value)
            value = self._same(value, self._opened(entry.value, type_) if entry.optional else type_, entry.value.offset)
        if key is None or value is None:
            return types.map_of(self._unknown(), self._unknown())
        return types.map_of(key, value)

    def _same(self, before: Type | None, type_: Type, offset: int) -> Type:
        if before is None:
            return type_
        both = types.join(before, type_, self.known)
        if both is None and self._mixed:
            return DYN
        if both is None:
            settle = self.known.settle
            return self._report(offset, f"expected type '{settle(before)}' but found '{settle(type_)}'")
        return both

    def _opened(self, node: Node, type_: Type) -> Type:
        """Return what is in an optional element, written `?x`."""
        type_ = self._show(type_)
        if type_.name == "optional_type":
            return type_.parameters[0]
        if type_ in (DYN, ERROR):
            return type_
        return self._report(node.offset, f"expected type 'optional_type({type_})' but found '{type_}'")

    def _unknown(self) -> Type:
        self._fresh += 1
        return Type(f"<T{self._fresh}>")

    def _object(self, node: ObjectNode) -> Type:
        type_ = self._find_type(node.name)
        for entry in node.entries:
            self.visit(entry.value)
        if type_ is None:
            return self._undeclared(node.offset, node.name)
        if not isinstance(type_, ObjectType):
            return type_
        for entry in node.entries:
            found = type_.fields.get(entry.field)
            given = self.checked.types[id(entry.value)]
            if entry.optional:
                given = self._opened(entry.value, given)
            if found is None:
                self._report(entry.offset, f"undefined field '{entry.field}'")
            elif not self.known.accepts(found.type, given):
                self._report(
                    entry.offset,
                    f"expected type of field '{entry.field}' is '{found.type}' but provided type is '{given}'",
                )
        return type_

    # --- macros

    def _comprehension(self, node: Comprehension) -> Type:
        range_ = self._show(self.visit(node.range))
        if node.macro in ("optMap", "optFlatMap"):
            first, second = self._inside(node, range_), DYN
        else:
            first, second = self._walked(node, range_)
        outer = dict(self._variables)
        self._variables[node.variable] = first
        if node.second:
            self._variables[node.second] = second
        condition = BOOL if node.condition is None else self.visit(node.condition)
        result = DYN if node.result is None else self.visit(node.result)
        self._variables = outer
        if not self.known.accepts(BOOL, condition):
            return self._predicate(node, condition)
        return self._outcome(node, range_, first, result)

    def _predicate(self, node: Comprehension, given: Type) -> Type:
        operator, offset = {"all": ("_&&_", node.offset), "exists": ("_||_", node.offset)}.get(
            node.macro, ("_?_:_", node.offset)
        )
        if operator == "_?_:_":
            return self._report(offset, f"expected type 'bool' but found '{self.known.settle(given)}'")
        return self._no_overload(offset, operator, (BOOL, given), member=False)

    def _walked(self, node: Comprehension, range_: Type) -> tuple[Type, Type]:
        """Return the types of the variables of a walk over a list or a map."""
        if range_.name == "list":
            return (types.INT, range_.parameters[0]) if node.second else (range_.parameters[0], DYN)
        if range_.name == "map":
            return range_.parameters[0], range_.parameters[1]
        if range_ not in (DYN, ERROR) and not types.is_parameter(range_):
            self._report(
                node.range.offset,
                f"expression of type '{range_}' cannot be range of a comprehension (must be list, map, or dynamic)",
            )
        return DYN, DYN

    def _inside(self, node: Comprehension, range_: Type) -> Type:
        if range_.name == "optional_type":
            return range_.parameters[0]
        if range_ not in (DYN, ERROR):
            self._no_overload(node.offset, node.macro, (range_,), member=True)
        return DYN

    def _outcome(self, node: Comprehension, range_: Type, first: Type, result: Type) -> Type:
        match node.macro:
            case "all" | "exists" | "exists_one":
                return BOOL
            case "filter":
                return types.list_of(first)
            case "map" | "transformList":
                return types.list_of(result)
            case "sortBy":
                return types.list_of(first)
            case "optMap":
                return types.optional_of(result)
            case "optFlatMap":
                return result
            case "transformMapEntry":
                return self._show(result) if self._show(result).name == "map" else types.map_of(DYN, DYN)
            case _:
                return types.map_of(first, result)


_VISITS: dict[type[Node], Callable[..., Type]] = {
    Literal: _Checker._literal,
    Identifier: _Checker._identifier,
    Select: _Checker._select,
    Index: _Checker._index,
    CallNode: _Checker._call,
    ListNode: _Checker._list,
    MapNode: _Checker._map,
    ObjectNode: _Checker._object,
    Comprehension: _Checker._comprehension,
}


def _has_parameter(type_: Type) -> bool:
    return types.is_parameter(type_) or any(map(_has_parameter, type_.parameters))


def _renamed(type_: Type, names: Mapping[Type, Type]) -> Type:
    if type_ in names:
        return names[type_]
    if not type_.parameters or isinstance(type_, ObjectType):
        return type_
    return Type(type_.name, tuple(_renamed(one, names) for one in type_.parameters))
