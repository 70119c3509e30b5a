"""What of YAML is loaded, and what is refused before it is."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from controlplane.apiserver.yaml_bodies import YamlError, read_yaml


def doubling(levels: int, of: int = 9) -> str:
    """Return a list of aliases of lists of aliases, `of` to the power of `levels` values in all."""
    names = [f"a{level}" for level in range(levels)]
    lines = [f"a0: &a0 [{', '.join('x' * of)}]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{below}'] * of)}]" for below, name in itertools.pairwise(names)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param("a: {b: [1, 2.5, true, null, text]}", {"a": {"b": [1, 2.5, True, None, "text"]}}, id="plain"),
        pytest.param("a: 2026-01-02", {"a": "2026-01-02"}, id="a date is text"),
        pytest.param("a: &x {b: c}\nd: *x", {"a": {"b": "c"}, "d": {"b": "c"}}, id="an alias"),
        pytest.param("a: &x {b: c}\nd: {<<: *x, e: f}", {"a": {"b": "c"}, "d": {"b": "c", "e": "f"}}, id="a merge"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_loads(body: str, value: Any) -> None:
    assert read_yaml(body.encode()) == value


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(doubling(12), "excessive aliasing", id="aliases of aliases"),
        pytest.param(
            "a0: &a0 {x: 1}\n" + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)),
            "excessive aliasing",
            id="merges of merges",
        ),
        pytest.param("a: &x {b: *x}", "anchor 'x' value contains itself", id="an alias in itself"),
        pytest.param("[" * 200_000 + "]" * 200_000, "exceeded max depth", id="deep lists"),
        pytest.param("- " * 200_000, "exceeded max depth", id="deep lists in block style"),
        pytest.param("? " * 200_000, "exceeded max depth", id="deep keys"),
        pytest.param("{a: " * 201 + "}" * 201, "exceeded max depth", id="one level too many"),
        pytest.param("a: *nowhere", "undefined alias", id="an alias of nothing"),
        pytest.param("a: b\n---\nc: d", "single document", id="two documents"),
        pytest.param("!!python/object/apply:os.getcwd []", "constructor", id="an object of a program"),
        pytest.param("a: \x00", "control characters", id="a control character"),
        pytest.param("a: " + "9" * 10_000, "digits", id="a huge number"),
        pytest.param("{[a]: b}", "unhashable", id="a list as a key"),
    ],
)
def test_refuses(body: str, why: str) -> None:
    with pytest.raises(YamlError, match=f"(?s)^yaml: .*{why}"):
        read_yaml(body.encode())


def test_small_documents_may_repeat_themselves() -> None:
    assert len(read_yaml(doubling(3).encode())["a2"]) == 9
