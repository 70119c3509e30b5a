"""What webhooks answer, when they answer anything at all: either it is a verdict, or it breaks the rules."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.admission.webhooks.review import InvalidReview, UnsupportedPatch, verdict

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "JSONPatch", "W10="]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "code"]), inner, max_size=2),
    max_leaves=4,
)
RESPONSES = st.dictionaries(
    st.sampled_from(["allowed", "status", "patch", "patchType", "warnings", "auditAnnotations"]), ANYTHING
)


def answer(response: Any) -> bytes:
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": "u", **response}}
    return msgspec.json.encode(review)


@given(RESPONSES, st.booleans())
def test_whatever_is_answered_is_a_verdict_or_against_the_rules(response: Any, mutating: bool) -> None:
    try:
        found = verdict(answer(response), "u", "v1", mutating=mutating)
    except (InvalidReview, UnsupportedPatch):
        return
    assert found.allowed is (response.get("allowed") is True)


@pytest.mark.parametrize(
    ("response", "field"),
    [
        pytest.param({"warnings": 5}, "warnings", id="warnings that are no list"),
        pytest.param({"warnings": "beware"}, "warnings", id="a warning without its list"),
        pytest.param({"auditAnnotations": ["a"]}, "auditAnnotations", id="annotations that are no map"),
    ],
)
def test_a_field_of_another_type_is_against_the_rules(response: Any, field: str) -> None:
    with pytest.raises(InvalidReview, match=f"cannot unmarshal response.{field}"):
        verdict(answer(response), "u", "v1", mutating=False)
