"""Writes `facts.py`: what the Structs do not say of Kubernetes v1.37's types.

Run it by `python -m controlplane.apiserver.openapi.generate`; the facts come from the package `kubernetes-validate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controlplane.api.generate import MODULES, definitions

_HEAD = '''"""What the Structs do not say of a type: written by controlplane.apiserver.openapi.generate, do not edit."""

from __future__ import annotations
'''


def own(facts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the definitions of the group versions that have a module."""
    return {full: fact for full, fact in sorted(facts.items()) if full.rpartition(".")[0] in MODULES}


def required(facts: dict[str, dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    return {full: tuple(sorted(fact["required"])) for full, fact in own(facts).items() if fact.get("required")}


def formats(facts: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    found = {full: dict(_formats(fact)) for full, fact in own(facts).items()}
    return {full: of_fields for full, of_fields in found.items() if of_fields}


def _formats(fact: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for wire, field in sorted(fact.get("properties", {}).items()):
        innermost = field
        while "items" in innermost or "additionalProperties" in innermost:
            innermost = innermost.get("items") or innermost["additionalProperties"]
        if "format" in innermost:
            yield wire, innermost["format"]


def atomic(facts: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    return tuple(full for full, fact in own(facts).items() if fact.get("x-kubernetes-map-type") == "atomic")


def unions(facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {full: fact["x-kubernetes-unions"] for full, fact in own(facts).items() if "x-kubernetes-unions" in fact}


def render(facts: dict[str, dict[str, Any]]) -> str:
    """Return the module's source text."""
    parts = [
        _HEAD,
        "# The fields an object must have.",
        f"REQUIRED: dict[str, tuple[str, ...]] = {required(facts)!r}\n",
        "# How wide a number is, and which text is base64; of lists and maps, what they hold.",
        f"FORMATS: dict[str, dict[str, str]] = {formats(facts)!r}\n",
        "# The objects that server-side apply replaces as a whole, wherever they stand.",
        f"ATOMIC: frozenset[str] = frozenset({atomic(facts)!r})\n",
        "# The fields of which at most one is set.",
        f"UNIONS: dict[str, list[dict[str, object]]] = {unions(facts)!r}\n",
    ]
    return "\n".join(parts)


def main() -> None:
    (Path(__file__).parent / "facts.py").write_text(render(definitions()))


if __name__ == "__main__":
    main()
