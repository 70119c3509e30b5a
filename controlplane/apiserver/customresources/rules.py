"""Where rules in CEL (x-kubernetes-validations) are asked: the one place that knows of an evaluator."""

from __future__ import annotations

from typing import Protocol

from controlplane.api.codec import Document
from controlplane.api.status import FieldError


class Rules(Protocol):
    """The compiled rules of a schema, run at every node that has some."""

    def broken(self, new: Document, old: Document | None) -> list[FieldError]:
        """Return the rules that a whole object breaks; `old` is what it takes the place of, None on create."""


class NoRules:
    """No rule is ever broken: a schema without any."""

    def broken(self, new: Document, old: Document | None) -> list[FieldError]:
        return []
