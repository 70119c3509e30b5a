"""x-kubernetes-validations: what a definition's author demands in CEL."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.apiserver.conftest import Asker
from tests.integration.custom_resources.conftest import (
    DEFINITIONS,
    WIDGETS,
    a_definition,
    a_version,
    define,
    eventually,
)

Document = dict[str, Any]
MERGE = "application/merge-patch+json"
INTEGER, TEXT = {"type": "integer"}, {"type": "string"}


def under(*rules: Document, at: Document | None = None, **properties: Any) -> Document:
    spec = {"type": "object", "properties": properties, "x-kubernetes-validations": [*rules]}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec if rules else {**spec, **(at or {})}}}}
    if not rules:
        del schema["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"]
    return a_definition(a_version(schema=schema, subresources={}))


def a_widget(**spec: Any) -> Document:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec}


@pytest.mark.parametrize(
    ("rule", "spec", "expected"),
    [
        pytest.param({"rule": "self.low <= self.high"}, {"low": 1, "high": 2}, "", id="it holds"),
        pytest.param({"rule": "self.low <= self.high"}, {"low": 3, "high": 2}, "spec: Invalid value: failed rule: self.low <= self.high", id="it does not"),
        pytest.param({"rule": "self.low <= self.high", "message": "upside down"}, {"low": 3, "high": 2}, "spec: Invalid value: upside down", id="in the author's words"),
        pytest.param({"rule": "self.low <= self.high", "messageExpression": "'%d is too low'.format([self.high])"}, {"low": 3, "high": 2}, "spec: Invalid value: 2 is too low", id="in words worked out"),
        pytest.param({"rule": "self.low <= self.high", "message": "no", "reason": "FieldValueForbidden", "fieldPath": ".low"}, {"low": 3, "high": 2}, "spec.low: Forbidden: no", id="with a reason and a place"),
        pytest.param({"rule": "has(self.low)"}, {}, "spec: Invalid value: failed rule: has(self.low)", id="what must be there"),
        pytest.param({"rule": "self.low > 0"}, {}, "spec: Invalid value: \"object\": no such key: low evaluating rule: self.low > 0", id="no value"),
        pytest.param({"rule": "self.names.all(n, n.startsWith('a'))"}, {"names": ["a", "b"]}, "failed rule", id="of every element"),
        pytest.param({"rule": "self.since < timestamp('2027-01-01T00:00:00Z')"}, {"since": "2026-01-01T00:00:00Z"}, "", id="a time"),
        pytest.param({"rule": "self.foo__dash__bar == 'x'"}, {"foo-bar": "x"}, "", id="a name that expressions cannot say"),
    ],
)  # fmt: skip
async def test_rules(ask: Asker, rule: Document, spec: Document, expected: str) -> None:
    properties = {"low": INTEGER, "high": INTEGER, "names": {"type": "array", "items": TEXT}, "foo-bar": TEXT,
                  "since": {"type": "string", "format": "date-time"}}  # fmt: skip
    await define(ask, under(rule, **properties))
    told = await ask("POST", WIDGETS, a_widget(**spec))
    assert told.status == (422 if expected else 201), told.body
    if expected:
        assert expected in told.message


async def test_transition_rules(ask: Asker) -> None:
    size = INTEGER | {"x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "only ever larger"}]}
    items = {"type": "object", "required": ["name"], "properties": {"name": TEXT, "size": size}}
    parts = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": items}
    await define(ask, under(size=size, parts=parts))
    assert (await ask("POST", WIDGETS, a_widget(size=3, parts=[{"name": "x", "size": 3}]))).status == 201
    smaller = await ask("PATCH", f"{WIDGETS}/a", {"spec": {"size": 2}}, content_type=MERGE)
    assert (smaller.status, "spec.size: Invalid value: 2: only ever larger" in smaller.message) == (422, True)
    changed = {"spec": {"parts": [{"name": "new", "size": 1}, {"name": "x", "size": 2}]}}
    part = await ask("PATCH", f"{WIDGETS}/a", changed, content_type=MERGE)
    assert "spec.parts[1].size: Invalid value: 2: only ever larger" in part.message and "parts[0]" not in part.message
    assert (await ask("PATCH", f"{WIDGETS}/a", {"spec": {"size": 4}}, content_type=MERGE)).status == 200


async def test_an_old_value_that_may_be_absent(ask: Asker) -> None:
    rule = {"rule": "oldSelf.hasValue() || self.size == 1", "optionalOldSelf": True, "message": "begins at one"}
    await define(ask, under(rule, size=INTEGER))
    assert "begins at one" in (await ask("POST", WIDGETS, a_widget(size=2))).message
    assert (await ask("POST", WIDGETS, a_widget(size=1))).status == 201
    assert (await ask("PATCH", f"{WIDGETS}/a", {"spec": {"size": 2}}, content_type=MERGE)).status == 200


async def test_a_rule_for_what_was_there_before(ask: Asker) -> None:
    await define(ask, under(size=INTEGER, colour=TEXT))
    await ask("POST", WIDGETS, a_widget(size=2, colour="red"))
    stricter = under(size=INTEGER | {"x-kubernetes-validations": [{"rule": "self > 5"}]}, colour=TEXT)
    definition = (await ask("GET", f"{DEFINITIONS}/widgets.example.com")).body
    definition["spec"]["versions"] = stricter["spec"]["versions"]
    assert (await ask("PUT", f"{DEFINITIONS}/widgets.example.com", definition)).status == 200
    await eventually(ask, "/openapi/v3", lambda told: told.status == 200)
    unrelated = await ask("PATCH", f"{WIDGETS}/a", {"spec": {"colour": "green"}}, content_type=MERGE)
    assert unrelated.status == 200
    touched = await ask("PATCH", f"{WIDGETS}/a", {"spec": {"size": 3}}, content_type=MERGE)
    assert touched.status == 422


async def test_rules_wait_for_the_types(ask: Asker) -> None:
    await define(ask, under({"rule": "self.size > 5"}, size=INTEGER))
    told = await ask("POST", WIDGETS, a_widget(size="x"))
    assert "some validation rules were not checked because the object was invalid" in told.message


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        pytest.param({"rule": "self.nope > 1"}, "rule", "compilation failed: ERROR: <input>:1:5: undefined field 'nope'", id="no such field"),
        pytest.param({"rule": "1 + 1"}, "rule", "cel expression must evaluate to a bool", id="no answer"),
        pytest.param({"rule": "self.size > "}, "rule", "compilation failed", id="half a rule"),
        pytest.param({"rule": "self.size > 1", "messageExpression": "1"}, "messageExpression", "messageExpression must evaluate to a string", id="no words"),
        pytest.param({"rule": "self.size > 1", "optionalOldSelf": True}, "optionalOldSelf", "may not be set if oldSelf is not used in rule", id="nothing old"),
        pytest.param({"rule": ""}, "rule", "rule is not specified", id="nothing at all"),
    ],
)  # fmt: skip
async def test_rules_that_are_refused(ask: Asker, rule: Document, path: str, expected: str) -> None:
    told = await ask("POST", DEFINITIONS, under(rule, size=INTEGER))
    where = f"spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].{path}"
    assert told.status == 422 and any(
        cause["field"] == where and expected in cause["message"] for cause in told.body["details"]["causes"]
    ), told.body


async def test_an_old_value_that_cannot_be_told(ask: Asker) -> None:
    items = INTEGER | {"x-kubernetes-validations": [{"rule": "self >= oldSelf"}]}
    told = await ask("POST", DEFINITIONS, under(sizes={"type": "array", "items": items}))
    assert "oldSelf cannot be used on the uncorrelatable portion of the schema within" in told.message
