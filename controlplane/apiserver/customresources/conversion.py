"""From one version of a custom resource to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from controlplane.api.codec import Document


class Converter(Protocol):
    """What makes documents of one version of documents of another."""

    @property
    def asks(self) -> bool:
        """Whether somebody else has to be asked, so that it takes a while and may fail."""

    async def convert(self, documents: Sequence[Document], api_version: str) -> Sequence[Document]:
        """Return the documents in another version. Raises StatusError."""


class ByName:
    """The strategy None: versions differ in their name."""

    asks = False

    async def convert(self, documents: Sequence[Document], api_version: str) -> Sequence[Document]:
        return [{**document, "apiVersion": api_version} for document in documents]
