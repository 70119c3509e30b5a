"""Documents that hold just what their type says, and those that are looked at more closely."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.core_v1 import Pod
from controlplane.api.fields import unknown
from controlplane.api.resources import RESOURCES
from controlplane.api.strict import fits

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "y"}},
       "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, True, id="just what a pod has"),
        pytest.param(
            {"spec": {"containers": [{"resources": {"limits": {"cpu": 1}}}]}}, True, id="an amount as a number"
        ),
        pytest.param({"foo": 1}, False, id="an unknown field"),
        pytest.param({"spec": {"containers": [{"name": "c", "foo": 1}]}}, False, id="one within a list"),
        pytest.param({"spec": {"containers": [{"ports": [{"containerPort": "80"}]}]}}, False, id="a wrong type"),
        pytest.param({"metadata": {"labels": {"x": 1}}}, False, id="a wrong type in a map"),
        pytest.param({"metadata": {"pod_ip": "x"}}, False, id="a name that only our own types have"),
        pytest.param({"metadata": {"labels": {"x": None}}}, False, id="null in a map of texts"),
    ],
)
def test_fits(change: dict[str, Any], expected: bool) -> None:
    assert fits({**POD, **change}, Pod) is expected


def test_a_type_that_contains_itself_is_never_known_to_fit() -> None:
    assert not fits({}, CustomResourceDefinition)


def test_every_kind_that_does_not_contain_itself_has_a_twin() -> None:
    without = {one.kind for one in RESOURCES if one.stored and not fits({}, one.type)}
    assert without == {"CustomResourceDefinition"}


NAMES = st.sampled_from(["metadata", "spec", "name", "labels", "containers", "image", "status", "foo", "bar"])
TREES = st.recursive(
    st.text(max_size=3) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, TREES, max_size=4))
def test_what_fits_has_nothing_to_prune(document: dict[str, Any]) -> None:
    if fits(document, Pod):
        assert unknown(document, Pod) == []
