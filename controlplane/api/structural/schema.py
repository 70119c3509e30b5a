"""A JSON schema as a tree of nodes, compiled once: every write of a custom resource walks it.

compile_schema({"type": "object", "properties": {"spec": {"type": "object", "default": {}}}}).properties["spec"]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controlplane.api.codec import Document
from controlplane.api.structural.patterns import Pattern, compile_pattern

JsonSchema = Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Node:
    """One place in a schema."""

    raw: JsonSchema
    type: str = ""
    nullable: bool = False
    default: Any = None  # None: there is none
    properties: dict[str, Node] = field(default_factory=dict)
    additional: Node | bool | None = None  # what keys hold that are no property; True: anything, False: nothing
    items: Node | None = None
    preserves: bool = False  # x-kubernetes-preserve-unknown-fields
    embedded: bool = False  # x-kubernetes-embedded-resource
    int_or_string: bool = False
    list_type: str = ""
    list_keys: tuple[str, ...] = ()
    map_type: str = ""
    all_of: tuple[Node, ...] = ()
    any_of: tuple[Node, ...] = ()
    one_of: tuple[Node, ...] = ()
    negated: Node | None = None  # "not"
    pattern: Pattern | None = None
    rules: Sequence[Document] = ()  # x-kubernetes-validations
    # What is true of this node or of one below it, so that a walk can leave the others out.
    defaults_below: bool = False
    lists_below: bool = False
    embedded_below: bool = False
    rules_below: bool = False

    def below(self, key: str) -> Node | None:
        """Return the schema of what a key of an object holds; None: anything, or nothing."""
        found = self.properties.get(key)
        if found is None and isinstance(self.additional, Node):
            return self.additional
        return found

    @property
    def children(self) -> list[Node]:
        more = [one for one in (self.additional, self.items) if isinstance(one, Node)]
        return [*self.properties.values(), *more]


EMPTY = Node({})


def compile_schema(raw: JsonSchema) -> Node:
    """Return the tree of a schema, which has been found structural. Raises PatternError."""
    items, additional = raw.get("items"), raw.get("additionalProperties")
    node = Node(
        raw,
        type=raw.get("type") or "",
        nullable=bool(raw.get("nullable")),
        default=raw.get("default"),
        properties={name: compile_schema(one) for name, one in (raw.get("properties") or {}).items()},
        additional=compile_schema(additional) if isinstance(additional, dict) else additional,
        items=compile_schema(items) if isinstance(items, dict) else None,
        preserves=bool(raw.get("x-kubernetes-preserve-unknown-fields")),
        embedded=bool(raw.get("x-kubernetes-embedded-resource")),
        int_or_string=bool(raw.get("x-kubernetes-int-or-string")),
        list_type=raw.get("x-kubernetes-list-type") or "",
        list_keys=tuple(raw.get("x-kubernetes-list-map-keys") or ()),
        map_type=raw.get("x-kubernetes-map-type") or "",
        all_of=_all(raw, "allOf"),
        any_of=_all(raw, "anyOf"),
        one_of=_all(raw, "oneOf"),
        negated=compile_schema(raw["not"]) if raw.get("not") is not None else None,
        pattern=compile_pattern(raw["pattern"]) if raw.get("pattern") else None,
        rules=raw.get("x-kubernetes-validations") or (),
    )
    children = node.children
    node.defaults_below = node.default is not None or any(one.defaults_below for one in children)
    node.lists_below = node.list_type in ("set", "map") or any(one.lists_below for one in children)
    node.embedded_below = node.embedded or any(one.embedded_below for one in children)
    node.rules_below = bool(node.rules) or any(one.rules_below for one in children)
    return node


def _all(raw: JsonSchema, key: str) -> tuple[Node, ...]:
    return tuple(map(compile_schema, raw.get(key) or ()))
