"""Where rules in CEL (x-kubernetes-validations) are asked; who has none never loads the language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from controlplane.api.codec import Document
from controlplane.api.status import FieldError
from controlplane.api.structural.schema import Node


class Rules(Protocol):
    """The compiled rules of a schema, run at every place that has some."""

    def broken(self, new: Document, old: Document | None) -> list[FieldError]:
        """Return the rules that a whole object breaks; `old` is what it takes the place of, None on create."""


class NoRules:
    """No rule is ever broken: a schema without any."""

    def broken(self, new: Document, old: Document | None) -> list[FieldError]:
        return []


def rules_of(node: Node) -> Rules:
    """Return the rules of a schema."""
    if not node.rules_below:
        return NoRules()
    from controlplane.apiserver.customresources.expressions import CompiledRules

    return CompiledRules(node)


def mistakes_of_rules(node: Node, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the rules of a schema that is right otherwise."""
    if node.rules_below:
        from controlplane.apiserver.customresources import expressions

        yield from expressions.mistakes_of_rules(node, path)
