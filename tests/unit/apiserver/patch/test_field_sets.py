"""Sets of fields: against Python's own sets of paths, and as messages name them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.apiserver.patch.field_set import FieldSet, difference, intersection, is_member, merge_sets, paths

PATHS = st.lists(st.lists(st.sampled_from(["f:a", "f:b", "f:c"]), min_size=1, max_size=3).map(tuple), max_size=6)


def built(members: list[tuple[str, ...]]) -> FieldSet:
    """The set of some paths; none of them is above another, so that a leaf never stands for what is below it."""
    result: FieldSet = {}
    for path in members:
        node = result
        for part in path:
            node = node.setdefault(part, {})
    return result


def leaves(fields: FieldSet, prefix: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found = {prefix} if prefix and is_member(fields) else set()
    return found.union(*(leaves(node, (*prefix, key)) for key, node in fields.items() if key != "."))


def below(path: tuple[str, ...], others: set[tuple[str, ...]]) -> bool:
    return any(path[: len(other)] == other for other in others)


@given(PATHS, PATHS)
def test_union_holds_what_is_in_either(one: list[tuple[str, ...]], other: list[tuple[str, ...]]) -> None:
    first, second = built(one), built(other)
    assert leaves(merge_sets(first, second)) == leaves(first) | leaves(second)


@given(PATHS, PATHS)
def test_difference_keeps_what_is_not_at_or_below_a_member_of_the_other(one: Any, other: Any) -> None:
    first, second = built(one), built(other)
    assert leaves(difference(first, second)) == {path for path in leaves(first) if not below(path, leaves(second))}


@given(PATHS, PATHS)
def test_intersection_is_what_difference_leaves_out(one: Any, other: Any) -> None:
    first, second = built(one), built(other)
    assert leaves(intersection(first, second)) == leaves(first) - leaves(difference(first, second))


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"f:spec": {"f:replicas": {}}}, [".spec.replicas"]),
        ({"f:metadata": {"f:labels": {".": {}, "f:app": {}}}}, [".metadata.labels", ".metadata.labels.app"]),
        (
            {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}},
            ['.ports[port=80,protocol="TCP"]', '.ports[port=80,protocol="TCP"].port'],
        ),
        ({"f:finalizers": {'v:"a/b"': {}}}, ['.finalizers[="a/b"]']),
    ],
)
def test_paths_as_messages_name_them(fields: FieldSet, shown: list[str]) -> None:
    assert list(paths(fields)) == shown
