"""What expressions evaluate to: the language, its macros, and Kubernetes' own functions."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.cel import EvaluationError, OutOfBudget, compile_expression
from controlplane.cel.program import Budget
from controlplane.cel.types import DYN, INT, STRING, TIMESTAMP, Field, ObjectType, list_of

OBJECT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}},
    "spec": {"replicas": 3, "ratio": 0.5, "paused": False, "containers": [{"name": "a"}, {"name": "b"}]},
}


def value(expression: str) -> Any:
    program = compile_expression(expression, {"object": DYN, "oldObject": DYN})
    return program.evaluate({"object": OBJECT, "oldObject": None})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # literals
        ("1", 1),
        ("-9223372036854775808", -(2**63)),
        ("0x1F", 31),
        ("3u", 3),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("true", True),
        ("null", None),
        ("'a\\n\\u00e9'", "a\né"),
        ('r"\\d"', "\\d"),
        ("b'abc'", b"abc"),
        ("'''it's'''", "it's"),
        ('"""say "x" """', 'say "x" '),
        ("b'\\xff'", b"\xff"),
        ("'\\101'", "A"),
        ("[1, 2,]", [1, 2]),
        ("{'a': 1, 'b': 2}", {"a": 1, "b": 2}),
        ("1 // a comment", 1),
        # arithmetic
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("7u / 2u", 3),
        ("1.0 / 4.0", 0.25),
        ("1.0 / 0.0 > 1e308", True),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("-(3)", -3),
        ("--3", 3),
        ("!!true", True),
        # comparison
        ("1 < 2", True),
        ("1 < 1.5", True),
        ("2u > 1", True),
        ("'a' < 'b'", True),
        ("false < true", True),
        ("[1, 2] == [1, 2]", True),
        ("{'a': 1} == {'a': 1}", True),
        ("dyn(1) == dyn(1.0)", True),
        ("dyn(true) == dyn(1)", False),
        ("dyn('1') == dyn(1)", False),
        ("1 != 2", True),
        ("null == null", True),
        ("oldObject == null", True),
        ("object != null", True),
        # logic takes what decides, whatever the other side
        ("true || 1 / 0 == 1", True),
        ("1 / 0 == 1 || true", True),
        ("false && 1 / 0 == 1", False),
        ("1 / 0 == 1 && false", False),
        ("true ? 1 : 2", 1),
        ("false ? 1 / 0 : 2", 2),
        ("true && true && false || true", True),
        # fields and elements
        ("object.spec.replicas", 3),
        ("object['spec']['replicas']", 3),
        ("object.spec.containers[1].name", "b"),
        ("has(object.spec.replicas)", True),
        ("has(object.spec.nothing)", False),
        ("has(object.metadata.labels.app)", True),
        ("'app' in object.metadata.labels", True),
        ("2 in [1, 2]", True),
        ("'x' in ['a']", False),
        ("{1: 'a'}[1]", "a"),
        ("dyn({1: 'a'})[1.0]", "a"),
        # macros
        ("[1, 2, 3].all(x, x > 0)", True),
        ("[1, 2, 3].exists(x, x > 2)", True),
        ("[1, 2].exists_one(x, x == 1)", True),
        ("[1, 0].exists(x, 1 / x == 1)", True),
        ("[0, 1].all(x, 1 / x > 5)", False),
        ("[].all(x, x > 1)", True),
        ("[1, 2, 3].filter(x, x % 2 == 1)", [1, 3]),
        ("[1, 2].map(x, x * 2)", [2, 4]),
        ("[1, 2, 3].map(x, x > 1, x * 2)", [4, 6]),
        ("object.metadata.labels.all(k, k.size() > 2)", True),
        ("object.metadata.labels.map(k, k)", ["app", "tier"]),
        ("[1, 2].map(x, [x].map(y, y + x))", [[2], [4]]),
        ("object.spec.containers.exists(c, c.name == 'b')", True),
        ("[10, 20].all(i, v, v == (i + 1) * 10)", True),
        ("{'a': 1}.exists(k, v, k == 'a' && v == 1)", True),
        ("[1, 2].transformList(i, v, i + v)", [1, 3]),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 2)", {"b": 4}),
        ("{'a': 'b'}.transformMapEntry(k, v, {v: k})", {"b": "a"}),
        ("[3, 1, 2].sortBy(x, -x)", [3, 2, 1]),
        ("[1, 2].exists(x, [2].exists(x, x == 2)) && [5].map(x, x) == [5]", True),
        # conversions
        ("int('42')", 42),
        ("int(3.9)", 3),
        ("uint(3)", 3),
        ("double('2.5')", 2.5),
        ("string(1.0)", "1"),
        ("string(true)", "true"),
        ("string(b'abc')", "abc"),
        ("bool('true')", True),
        ("type(1) == int", True),
        ("type([]) == list", True),
        ("type('') == string", True),
        ("string(1e21)", "1e+21"),
        ("bytes('a')", b"a"),
        ("int(timestamp('1970-01-01T00:01:00Z'))", 60),
        ("size('héllo')", 5),
        ("[1, 2].size()", 2),
        ("size({'a': 1})", 1),
        # time
        ("duration('1h30m') == duration('90m')", True),
        ("string(duration('1h'))", "3600s"),
        ("duration('1m').getSeconds()", 60),
        ("timestamp('2024-02-29T12:00:00Z').getFullYear()", 2024),
        ("timestamp('2024-02-29T12:00:00Z').getMonth()", 1),
        ("timestamp('2024-02-29T12:00:00Z').getDayOfMonth()", 28),
        ("timestamp('2024-02-29T12:00:00Z').getDayOfWeek()", 4),
        ("timestamp('2024-02-29T12:00:00Z').getHours('+02:00')", 14),
        ("timestamp('2024-01-01T00:00:00Z') + duration('24h') == timestamp('2024-01-02T00:00:00Z')", True),
        ("timestamp('2024-01-01T00:00:00+01:00') == timestamp('2023-12-31T23:00:00Z')", True),
        ("string(timestamp('2024-01-01T00:00:00.5Z'))", "2024-01-01T00:00:00.5Z"),
        ("timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z')", "86400s"),
        # text
        ("'hello'.startsWith('he')", True),
        ("'hello'.endsWith('lo')", True),
        ("'hello'.contains('ell')", True),
        ("'hello'.matches('^h.*o$')", True),
        ("'tacocat'.indexOf('c')", 2),
        ("'tacocat'.lastIndexOf('c')", 4),
        ("'hello'.charAt(4)", "o"),
        ("'a,b'.split(',')", ["a", "b"]),
        ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
        ("['a', 'b'].join('-')", "a-b"),
        ("'hello'.replace('l', 'L', 1)", "heLlo"),
        ("'hello'.substring(1, 3)", "el"),
        ("' x '.trim()", "x"),
        ("'Ab'.lowerAscii()", "ab"),
        ("'Ab'.upperAscii()", "AB"),
        ("strings.quote('a\"b')", '"a\\"b"'),
        ("'%s has %d'.format(['x', 3])", "x has 3"),
        ("'%.2f|%x|%b|%%'.format([3.14159, 255, 5])", "3.14|ff|101|%"),
        ("'%s'.format([['a', 'b']])", "[a, b]"),
        ("'abc 123'.find('[0-9]+')", "123"),
        ("'1 2 3'.findAll('[0-9]', 2)", ["1", "2"]),
        # lists and sets
        ("[1, 2, 2].isSorted()", True),
        ("['b', 'a'].isSorted()", False),
        ("[1, 3].sum()", 4),
        ("[1.5, 1.5].sum()", 3.0),
        ("[].sum()", 0),
        ("[1, 3].min()", 1),
        ("['a', 'c'].max()", "c"),
        ("[1, 2, 2].indexOf(2)", 1),
        ("[1, 2, 2].lastIndexOf(2)", 2),
        ("[1].indexOf(3)", -1),
        ("[1, 2].includes(2)", True),
        ("'a'.includes('a')", True),
        ("[duration('1m'), duration('1s')].sum() == duration('61s')", True),
        ("[1, 2, 3].slice(1, 3)", [2, 3]),
        ("[[1], [2, 3]].flatten()", [1, 2, 3]),
        ("[3, 1].sort()", [1, 3]),
        ("[1, 1, 2].distinct()", [1, 2]),
        ("[1, 2].reverse()", [2, 1]),
        ("lists.range(3)", [0, 1, 2]),
        ("[7, 8].first().value()", 7),
        ("[].last().hasValue()", False),
        ("sets.contains([1, 2], [2])", True),
        ("sets.equivalent([1, 2], [2, 1, 1])", True),
        ("sets.intersects([1], [2])", False),
        # optionals
        ("object.?spec.?replicas.orValue(1)", 3),
        ("object.?nothing.?at.all.orValue(1)", 1),
        ("object.?spec.hasValue()", True),
        ("optional.of(1).value()", 1),
        ("optional.none().hasValue()", False),
        ("optional.of(2).optMap(x, x * 2).value()", 4),
        ("optional.ofNonZeroValue(0).or(optional.of(7)).value()", 7),
        ("[1][?3].orValue(9)", 9),
        ("[?optional.of(1), ?optional.none()]", [1]),
        ("{?'a': optional.none(), 'b': 1}", {"b": 1}),
        ("optional.of(1).optFlatMap(x, optional.of(x + 1)).value()", 2),
        # Kubernetes
        ("quantity('1.5').compareTo(quantity('1500m'))", 0),
        ("quantity('1Gi').isGreaterThan(quantity('1G'))", True),
        ("quantity('1').add(quantity('500m')) == quantity('1500m')", True),
        ("quantity('2k').asInteger()", 2000),
        ("quantity('500m').isInteger()", False),
        ("isQuantity('1.3Gi')", True),
        ("isQuantity('1,3')", False),
        ("quantity('50k').sub(20).asApproximateFloat()", 49980.0),
        ("quantity('-1').sign()", -1),
        ("url('https://u@example.com:8080/a%20b?x=1&x=2').getHost()", "example.com:8080"),
        ("url('https://[::1]:80/').getHostname()", "::1"),
        ("url('https://e.com:80/').getPort()", "80"),
        ("url('https://e.com/a b').getEscapedPath()", "/a%20b"),
        ("url('/p?x=1&x=2').getQuery()", {"x": ["1", "2"]}),
        ("isURL('https://e.com')", True),
        ("isURL('e.com')", False),
        ("ip('::1').family()", 6),
        ("isIP('127.0.0.256')", False),
        ("ip.isCanonical('2001:DB8::1')", False),
        ("ip('224.0.0.1').isLinkLocalMulticast()", True),
        ("ip('10.0.0.1').isGlobalUnicast()", True),
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", True),
        ("cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))", False),
        ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", True),
        ("string(cidr('10.1.2.3/8').masked())", "10.0.0.0/8"),
        ("cidr('::/0').prefixLength()", 0),
        ("isCIDR('10.0.0.0/33')", False),
        ("cidr('10.1.2.3/8').ip() == ip('10.1.2.3')", True),
        ("format.dns1123Label().validate('web').hasValue()", False),
        ("format.named('nope').hasValue()", False),
        ("format.uuid().validate('x').value()", ["does not match the UUID format"]),
        ("semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))", True),
        ("semver('v1.2', true).minor()", 2),
        ("isSemver('v1.0')", False),
        ("isSemver('01.01.01', true)", True),
        ("semver('1.10.0').compareTo(semver('1.9.0'))", 1),
        ("jsonpatch.escapeKey('a/b~c')", "a~1b~0c"),
    ],
)
def test_values(expression: str, expected: Any) -> None:
    found = value(expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 / 0", "division by zero"),
        ("1 % 0", "modulus by zero"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("0u - 1u", "unsigned integer overflow"),
        ("object.spec.nothing", "no such key: nothing"),
        ("object.metadata.annotations['x']", "no such key: annotations"),
        ("oldObject.spec", "no such key: spec"),
        ("[1][3]", "index out of bounds: 3"),
        ("{'a': 1}['b']", "no such key: b"),
        ("object.spec.replicas + 'x'", "no such overload"),
        ("object.spec.replicas && true", "no such overload"),
        ("int('x')", "type conversion error from 'string' to 'int'"),
        ("timestamp(object.kind)", 'invalid timestamp "Deployment": it is not RFC 3339'),
        ("[1].filter(x, x / 0 > 1)", "division by zero"),
        ("[0].all(x, 1 / x > 0)", "division by zero"),
        ("[].min()", "min called on empty list"),
        ("optional.none().value()", "optional.none() dereference"),
        ("'abc'.charAt(9)", "index out of range: 9"),
        ("'abc'.matches(object.metadata.name + '(')", "error parsing regexp: missing ): web("),
        (
            "quantity('1,5')",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("quantity('1.5').asInteger()", "cannot convert value to integer"),
        ("url('e.com')", 'URL parse error during conversion from string: parse "e.com": invalid URI for request'),
        (
            "'%d'.format(['x'])",
            "error during formatting: decimal clause can only be used on integers, was given string",
        ),
    ],
)
def test_errors(expression: str, message: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        value(expression)
    assert str(raised.value) == message


def test_a_program_may_not_run_for_ever() -> None:
    numbers = compile_expression("l.all(a, l.all(b, l.all(c, a + b + c >= 0)))", {"l": list_of(INT)})
    with pytest.raises(OutOfBudget, match="operation cancelled: actual cost limit exceeded"):
        numbers.evaluate({"l": list(range(200))})


def test_what_costs_too_much_cannot_be_made_up_for() -> None:
    program = compile_expression("l.all(a, l.all(b, a + b >= 0)) || true", {"l": list_of(INT)})
    with pytest.raises(OutOfBudget):
        program.evaluate({"l": list(range(100))}, limit=1000)


def test_evaluations_share_a_budget() -> None:
    program, budget = compile_expression("x + 1", {"x": INT}), Budget(5)
    assert program.evaluate({"x": 1}, budget=budget) == 2
    assert budget.left == 3
    assert program.evaluate({"x": 1}, budget=budget) == 2
    with pytest.raises(OutOfBudget):
        program.evaluate({"x": 1}, budget=budget)


def test_fields_of_a_schema_are_read_as_their_types() -> None:
    self = ObjectType(
        "Self",
        fields={
            "at": Field(TIMESTAMP),
            "__namespace__": Field(STRING, "namespace"),
            "times": Field(list_of(TIMESTAMP)),
        },
    )
    document = {"at": "2024-01-02T03:04:05Z", "namespace": "n", "times": ["2024-01-01T00:00:00Z"]}
    for expression, expected in (
        ("self.at.getFullYear()", 2024),
        ("self.__namespace__", "n"),
        ("self.times.all(t, t.getFullYear() == 2024)", True),
        ("self.times[0] < self.at", True),
    ):
        assert compile_expression(expression, {"self": self}).evaluate({"self": document}) == expected


def test_text_grows_against_the_budget() -> None:
    doubling = compile_expression("[1,2,3,4,5,6,7,8].map(a, s + s + s + s).join().size()", {"s": STRING})
    with pytest.raises(OutOfBudget):
        doubling.evaluate({"s": "x" * 1_000_000})
