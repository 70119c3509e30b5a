"""From tokens to a tree, by precedence climbing; macros are recognised here, as the specification has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controlplane.cel.errors import CompileError, Issue
from controlplane.cel.lexer import Token, negated, tokenize
from controlplane.cel.syntax import (
    CallNode,
    Comprehension,
    Entry,
    Identifier,
    Index,
    ListNode,
    Literal,
    MapNode,
    Node,
    ObjectEntry,
    ObjectNode,
    Select,
)

_PRECEDENCE = {
    "||": 1, "&&": 2,
    "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "in": 3,
    "+": 4, "-": 4,
    "*": 5, "/": 5, "%": 5,
}  # fmt: skip
_RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
})  # fmt: skip
_CONSTANTS = {"true": True, "false": False, "null": None}
_STARTS = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)
_LONGEST = 100_000  # characters of an expression

# Macros by name, and with how many arguments they are macros rather than calls.
_ONE_VARIABLE = {"all": (2,), "exists": (2,), "exists_one": (2,), "existsOne": (2,), "filter": (2,), "map": (2, 3),
                 "optMap": (2,), "optFlatMap": (2,), "sortBy": (2,)}  # fmt: skip
_TWO_VARIABLES = {"all": (3,), "exists": (3,), "existsOne": (3,), "exists_one": (3,), "transformList": (3, 4),
                  "transformMap": (3, 4), "transformMapEntry": (3, 4)}  # fmt: skip
_PREDICATES = frozenset({"all", "exists", "exists_one", "filter"})


def parse(source: str) -> Node:
    """Return the tree of an expression. Raises CompileError."""
    if len(source) > _LONGEST:
        raise CompileError(
            source[:100], [Issue(0, f"expression code point size exceeds limit: size: {len(source)}, limit {_LONGEST}")]
        )
    try:
        return _Parser(source).whole()
    except RecursionError:
        raise CompileError(source, [Issue(0, "expression recursion limit exceeded")]) from None


class _Parser:
    def __init__(self, source: str):
        self._source, self._tokens, self._at = source, tokenize(source), 0

    def whole(self) -> Node:
        node = self._expression()
        if self._now.kind != "end":
            raise self._unexpected("<EOF>")
        return node

    # --- tokens

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, text: str) -> bool:
        token = self._tokens[self._at]
        return token.text == text and token.kind in ("operator", "name")

    def _take(self, text: str) -> Token | None:
        return self._next() if self._is(text) else None

    def _expect(self, text: str) -> Token:
        if not self._is(text):
            raise self._unexpected(f"'{text}'")
        return self._next()

    def _unexpected(self, expected: str) -> CompileError:
        return self._error(self._now.offset, f"Syntax error: mismatched input '{self._now.text}' expecting {expected}")

    def _error(self, offset: int, message: str) -> CompileError:
        return CompileError(self._source, [Issue(offset, message)])

    # --- operators

    def _expression(self) -> Node:
        condition = self._binary(1)
        mark = self._take("?")
        if mark is None:
            return condition
        yes = self._binary(1)
        self._expect(":")
        return CallNode(mark.offset, "_?_:_", None, (condition, yes, self._expression()))

    def _binary(self, lowest: int) -> Node:
        left = self._unary()
        while True:
            token = self._now
            precedence = _PRECEDENCE.get(token.text, 0) if token.kind in ("operator", "name") else 0
            if precedence < lowest:
                return left
            if precedence < 3:
                left = self._logical(left, token.text, precedence)
                continue
            self._next()
            name = "@in" if token.text == "in" else f"_{token.text}_"
            left = CallNode(token.offset, name, None, (left, self._binary(precedence + 1)))

    def _logical(self, first: Node, operator: str, precedence: int) -> Node:
        """A chain of && or ||, as a balanced tree: long ones do not nest deeply."""
        terms, offsets = [first], list[int]()
        while (token := self._take(operator)) is not None:
            offsets.append(token.offset)
            terms.append(self._binary(precedence + 1))

        def balanced(low: int, high: int) -> Node:
            if low == high:
                return terms[low]
            middle = (low + high) // 2
            parts = (balanced(low, middle), balanced(middle + 1, high))
            return CallNode(offsets[middle], f"_{operator}_", None, parts)

        return balanced(0, len(terms) - 1)

    def _unary(self) -> Node:
        token = self._now
        if token.kind == "operator" and token.text == "!":
            self._next()
            return CallNode(token.offset, "!_", None, (self._unary(),))
        if token.kind == "operator" and token.text == "-":
            self._next()
            number = self._now
            if (
                number.kind == "literal"
                and isinstance(number.value, int | float)
                and type(number.value) in (int, float)
            ):
                self._next()
                return self._member(Literal(token.offset, negated(number.value)))
            return CallNode(token.offset, "-_", None, (self._unary(),))
        return self._member(self._primary())

    # --- members

    def _member(self, node: Node) -> Node:
        while True:
            token = self._now
            if token.kind != "operator":
                return node
            if token.text == ".":
                node = self._dotted(node)
            elif token.text == "[":
                self._next()
                optional = self._take("?") is not None
                index = self._expression()
                self._expect("]")
                node = Index(token.offset, node, index, optional)
            elif token.text == "{" and (name := _qualified(node)):
                node = self._object(name, token)
            else:
                return node

    def _dotted(self, operand: Node) -> Node:
        dot = self._next()
        optional = self._take("?") is not None
        name = self._next()
        if name.kind not in ("name", "quoted") or name.text in _CONSTANTS or name.text == "in":
            self._at -= 1
            raise self._unexpected("IDENTIFIER")
        text = name.text.strip("`")
        if not optional and name.kind == "name" and self._is("("):
            opening = self._next()
            return self._call(text, operand, self._arguments(")"), opening)
        return Select(dot.offset, operand, text, optional=optional)

    def _arguments(self, closing: str) -> tuple[Node, ...]:
        arguments: list[Node] = []
        if not self._is(closing):
            arguments.append(self._expression())
            while self._take(","):
                arguments.append(self._expression())
        self._expect(closing)
        return tuple(arguments)

    # --- primaries

    def _primary(self) -> Node:
        token = self._now
        if token.kind == "literal":
            self._next()
            if isinstance(token.value, int) and token.value > 2**63 - 1 and type(token.value) is int:
                raise self._error(token.offset, "invalid int literal")
            return Literal(token.offset, token.value)
        if token.kind == "name":
            return self._named()
        if token.kind == "operator" and token.text in _OPENINGS:
            return _OPENINGS[token.text](self)
        raise self._unexpected(_STARTS)

    def _named(self, leading_dot: bool = False) -> Node:
        token = self._next()
        if token.text in _CONSTANTS:
            return Literal(token.offset, _CONSTANTS[token.text])
        if token.text == "in":
            self._at -= 1
            raise self._unexpected(_STARTS)
        if token.text in _RESERVED:
            raise self._error(token.offset, f"reserved identifier: {token.text}")
        if self._is("("):
            opening = self._next()
            return self._call(token.text, None, self._arguments(")"), opening)
        return Identifier(token.offset, token.text)

    def _from_root(self) -> Node:
        self._next()
        if self._now.kind != "name":
            raise self._unexpected("IDENTIFIER")
        return self._named()

    def _parenthesised(self) -> Node:
        self._next()
        node = self._expression()
        self._expect(")")
        return node

    def _list(self) -> Node:
        start = self._next()
        elements: list[Node] = []
        optional: set[int] = set()
        while not self._is("]"):
            if self._take("?"):
                optional.add(len(elements))
            elements.append(self._expression())
            if not self._take(","):
                break
        self._expect("]")
        return ListNode(start.offset, tuple(elements), frozenset(optional))

    def _map(self) -> Node:
        start = self._next()
        entries: list[Entry] = []
        while not self._is("}"):
            optional = self._take("?") is not None
            key = self._expression()
            self._expect(":")
            entries.append(Entry(key, self._expression(), optional))
            if not self._take(","):
                break
        self._expect("}")
        return MapNode(start.offset, tuple(entries))

    def _object(self, name: str, start: Token) -> Node:
        self._next()
        entries: list[ObjectEntry] = []
        while not self._is("}"):
            optional = self._take("?") is not None
            field = self._next()
            if field.kind not in ("name", "quoted"):
                self._at -= 1
                raise self._unexpected("IDENTIFIER")
            self._expect(":")
            entries.append(ObjectEntry(field.offset, field.text.strip("`"), self._expression(), optional))
            if not self._take(","):
                break
        self._expect("}")
        return ObjectNode(start.offset, name, tuple(entries))

    # --- macros

    def _call(self, name: str, target: Node | None, arguments: tuple[Node, ...], opening: Token) -> Node:
        count = len(arguments)
        if target is None:
            if name == "has" and count == 1:
                return self._has(arguments[0])
        elif count in _ONE_VARIABLE.get(name, ()):
            return self._macro(name, target, arguments[:1], arguments[1:], opening)
        elif count in _TWO_VARIABLES.get(name, ()):
            return self._macro(name, target, arguments[:2], arguments[2:], opening)
        return CallNode(opening.offset, name, target, arguments)

    def _has(self, argument: Node) -> Node:
        if not isinstance(argument, Select) or argument.test:
            raise self._error(argument.offset, "invalid argument to has() macro")
        return Select(argument.offset, argument.operand, argument.field, test=True)

    def _macro(self, name: str, range_: Node, variables: Sequence[Node], rest: Sequence[Node], opening: Token) -> Node:
        names: list[str] = []
        for variable in variables:
            if not isinstance(variable, Identifier):
                raise self._error(variable.offset, "argument must be a simple name")
            names.append(variable.name)
        if len(set(names)) != len(names):
            raise self._error(variables[1].offset, f"duplicate variable name: {names[1]}")
        name = "exists_one" if name == "existsOne" else name
        second = names[1] if len(names) == 2 else ""
        if name in _PREDICATES:
            return Comprehension(opening.offset, name, range_, names[0], second, rest[0], None)
        condition = rest[0] if len(rest) == 2 else None
        return Comprehension(opening.offset, name, range_, names[0], second, condition, rest[-1])


_OPENINGS: dict[str, Callable[[_Parser], Node]] = {
    "(": _Parser._parenthesised,
    "[": _Parser._list,
    "{": _Parser._map,
    ".": _Parser._from_root,
}


def _qualified(node: Node) -> str:
    """Return "a.b.c" for a chain of names, "" for anything else."""
    if isinstance(node, Identifier):
        return node.name
    if isinstance(node, Select) and not node.test and not node.optional:
        before = _qualified(node.operand)
        return f"{before}.{node.field}" if before else ""
    return ""


qualified_name = _qualified
