"""How server rooms read current objects without knowing where they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class ObjectReader(Protocol):
    """The newest objects this process knows of, decoded; shared, so never changed."""

    def get(self, type_: type[T], namespace: str, name: str) -> T | None: ...

    def list(self, type_: type[T], namespace: str = "") -> Sequence[T]:
        """Return the objects of a namespace, or of all with ""."""

    def mentioning(self, type_: type[T], namespace: str, *texts: str) -> Iterator[T]:
        """Yield those objects of a namespace, or of all with "", in which each of `texts` is a value, and maybe others.

        For kinds of which there are too many to decode them all: these are decoded one by one, and not kept.
        """

    def version(self, type_: type[T]) -> int:
        """A number that grows with every change to an object of this type, to key caches by."""
