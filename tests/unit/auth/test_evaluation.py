"""Expressions of configuration files, by the evaluator that the server has."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.auth.evaluation import compile_cel
from controlplane.auth.expressions import CLAIMS, REQUEST, USER

JANE = {"username": "jane", "uid": "1", "groups": ["dev"], "extra": {"team": ["shop"]}}


@pytest.mark.parametrize(
    ("variable", "expression", "value", "expected"),
    [
        (CLAIMS, "claims.sub + ':' + claims.org", {"sub": "jane", "org": "shop"}, "jane:shop"),
        (CLAIMS, "claims.?groups.orValue([]).map(g, 'oidc:' + g)", {"groups": ["a"]}, ["oidc:a"]),
        (CLAIMS, "has(claims.email_verified) ? claims.email_verified : true", {}, True),
        (USER, "!user.username.startsWith('system:') && 'dev' in user.groups", JANE, True),
        (USER, "user.extra['team'][0]", JANE, "shop"),
        (
            REQUEST,
            "request.resourceAttributes.namespace == 'shop'",
            {"resourceAttributes": {"namespace": "shop"}},
            True,
        ),
    ],
)
def test_values(variable: str, expression: str, value: Any, expected: Any) -> None:
    assert compile_cel(variable, expression).evaluate(value) == expected


def test_mistakes_are_the_compilers() -> None:
    with pytest.raises(ValueError, match="compilation failed: ERROR: <input>:1:5: undefined field 'name'"):
        compile_cel(USER, "user.name")


def test_failures_are_the_evaluators() -> None:
    with pytest.raises(ValueError, match="no such key: sub"):
        compile_cel(CLAIMS, "claims.sub").evaluate({})
