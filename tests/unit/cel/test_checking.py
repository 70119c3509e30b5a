"""What is wrong with expressions, in upstream's words and at the right place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.cel import CompileError, EvaluationError, compile_expression
from controlplane.cel.types import BOOL, DYN, INT, STRING, Field, ObjectType, list_of, map_of, optional_of

SPEC = ObjectType("Spec", fields={"replicas": Field(INT), "labels": Field(map_of(STRING, STRING))})
VARIABLES = {"object": DYN, "n": INT, "spec": SPEC, "names": list_of(STRING)}


@pytest.mark.parametrize(
    ("expression", "column", "message"),
    [
        ("unknown", 1, "undeclared reference to 'unknown' (in container '')"),
        ("object.x == unknown.y", 13, "undeclared reference to 'unknown' (in container '')"),
        ("nothing(1)", 8, "undeclared reference to 'nothing' (in container '')"),
        ("n.nothing()", 10, "undeclared reference to 'nothing' (in container '')"),
        ("1 + 'a'", 3, "found no matching overload for '_+_' applied to '(int, string)'"),
        ("1 == 'a'", 3, "found no matching overload for '_==_' applied to '(int, string)'"),
        ("n && true", 3, "found no matching overload for '_&&_' applied to '(int, bool)'"),
        ("n ? 1 : 2", 3, "found no matching overload for '_?_:_' applied to '(int, int, int)'"),
        ("true ? 1 : 'a'", 6, "found no matching overload for '_?_:_' applied to '(bool, int, string)'"),
        ("!n", 1, "found no matching overload for '!_' applied to '(int)'"),
        ("n.startsWith('a')", 13, "found no matching overload for 'startsWith' applied to 'int.(string)'"),
        ("size(1)", 5, "found no matching overload for 'size' applied to '(int)'"),
        ("1 in names", 3, "found no matching overload for '@in' applied to '(int, list(string))'"),
        ("names['a']", 6, "found no matching overload for '_[_]' applied to '(list(string), string)'"),
        ("spec.replica", 5, "undefined field 'replica'"),
        ("n.field", 2, "type 'int' does not support field selection"),
        ("[1, 'a']", 5, "expected type 'int' but found 'string'"),
        ("{'a': 1, 'b': 'c'}", 15, "expected type 'int' but found 'string'"),
        ("n.all(x, true)", 1,
         "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"),
        ("names.all(x, x)", 10, "found no matching overload for '_&&_' applied to '(bool, string)'"),
        ("names.all(x.y, true)", 12, "argument must be a simple name"),
        ("has(n)", 5, "invalid argument to has() macro"),
        ("1 +", 4,
         "Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', "
         "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"),
        ("1 2", 3, "Syntax error: mismatched input '2' expecting <EOF>"),
        ("n # 1", 3, "Syntax error: token recognition error at: '#'"),
        ("while", 1, "reserved identifier: while"),
        ("9223372036854775808", 1, "invalid int literal"),
        ("duration('1 hour')", 10, "invalid duration argument"),
        ("timestamp('yesterday')", 11, "invalid timestamp argument"),
        ("'a'.matches('(')", 13, "invalid matches argument"),
        ("Thing{a: 1}", 6, "undeclared reference to 'Thing' (in container '')"),
        ("quantity('1') + quantity('2')", 15,
         "found no matching overload for '_+_' applied to '(kubernetes.Quantity, kubernetes.Quantity)'"),
    ],
)  # fmt: skip
def test_mistakes(expression: str, column: int, message: str) -> None:
    with pytest.raises(CompileError) as raised:
        compile_expression(expression, VARIABLES)
    mark = "." * (column - 1) + "^"
    assert str(raised.value) == f"ERROR: <input>:1:{column}: {message}\n | {expression}\n | {mark}"


def test_all_mistakes_are_told_in_order() -> None:
    with pytest.raises(CompileError) as raised:
        compile_expression("a &&\nb", {})
    assert str(raised.value) == (
        "ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n | a &&\n | ^\n"
        "ERROR: <input>:2:1: undeclared reference to 'b' (in container '')\n | b\n | ^"
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.spec", DYN),
        ("object.spec == 1", BOOL),
        ("names.map(x, x.size())", list_of(INT)),
        ("names.filter(x, x != '')", list_of(STRING)),
        ("spec.labels['a']", STRING),
        ("spec.?labels", optional_of(map_of(STRING, STRING))),
        ("[]", list_of(DYN)),
        ("[] + names", list_of(STRING)),
        ("true ? n : object.x", DYN),
        ("[1, 2].min()", INT),
        ("optional.of(n).orValue(2)", INT),
        ("spec", SPEC),
    ],
)
def test_types(expression: str, expected: object) -> None:
    assert compile_expression(expression, VARIABLES).type == expected


def test_deep_nesting_is_refused_not_fatal() -> None:
    with pytest.raises(CompileError, match="recursion limit"):
        compile_expression("(" * 5000 + "1" + ")" * 5000, {})


def test_long_chains_of_logic_do_not_nest() -> None:
    assert compile_expression(" || ".join(["n == 1"] * 2000), VARIABLES).evaluate({"n": 2}) is False


_WORDS = st.sampled_from(
    ["1", "'a'", "n", "object", ".x", ".size()", "[", "]", "(", ")", "+", "==", "&&", "?", ":", "in", "{", "}", "has(",
     ".all(x, ", "x", ",", "null", "1.5", "-", "!", "names", "[?0]", ".?y", "b'\\x00'", '"', "\\", "%", "u"]
)  # fmt: skip


@given(st.lists(_WORDS, max_size=12).map("".join))
def test_any_text_is_a_program_or_a_mistake(expression: str) -> None:
    try:
        program = compile_expression(expression, VARIABLES)
    except CompileError:
        return
    try:
        program.evaluate({"n": 1, "object": {"x": [1, {"y": None}]}, "names": ["a"], "spec": {}})
    except EvaluationError:
        return
