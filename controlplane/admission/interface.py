"""What a plug-in sees of a request, what it may do about it, and the chain that asks each in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from controlplane.api import status
from controlplane.api.codec import Document
from controlplane.api.resources import Resource


class Operation(StrEnum):
    """What a request does to an object, in admission's words."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"


class Caller(Protocol):
    """The part of `auth.interface.User` that policy looks at; the rooms do not import each other."""

    @property
    def name(self) -> str: ...
    @property
    def groups(self) -> tuple[str, ...]: ...


@dataclass(slots=True)
class Attributes:
    """One request on its way to the store.

    `document` is the object as it would be stored and is what `mutate` changes in place: None for DELETE. `old` is the
    stored object (UPDATE, DELETE), shared with every reader, so never changed. For a subresource with a body of its own
    (Binding, Eviction, TokenRequest, Scale) `document` is that body and `old` the parent, where the server has it.
    """

    operation: Operation
    resource: Resource
    name: str
    user: Caller
    namespace: str = ""
    subresource: str = ""
    document: Document | None = None
    old: Document | None = None
    dry_run: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)  # CreateOptions, UpdateOptions, DeleteOptions as sent

    def is_for(self, plural: str, *operations: Operation, group: str = "", subresource: str = "") -> bool:
        """Return whether the request does one of `operations` to this resource, or to its `subresource`."""
        resource = self.resource
        return (
            resource.plural == plural
            and resource.group == group
            and self.subresource == subresource
            and self.operation in operations
        )

    @property
    def shown_name(self) -> str:
        """The name that messages use; an object still to be named shows its generateName."""
        if self.name or self.document is None:
            return self.name
        metadata = self.document.get("metadata") or {}
        return metadata.get("name") or metadata.get("generateName") or ""

    def forbidden(self, why: str) -> status.Forbidden:
        """Return the 403 that says why policy refuses this request."""
        return status.forbidden(self.resource, self.shown_name, why)


class Plugin:
    """One rule of cluster policy. Override what it needs: changing an object, refusing it, or both."""

    name = ""  # as in --enable-admission-plugins

    async def mutate(self, attributes: Attributes) -> None:
        """Change `attributes.document` in place, or raise StatusError to refuse the request."""

    async def validate(self, attributes: Attributes) -> None:
        """Raise StatusError (Forbidden, Invalid) to refuse the object as it will be stored."""


class Chain:
    """The plug-ins of a server, in order; a request runs only those that override the step in question."""

    def __init__(self, plugins: Sequence[Plugin]):
        self.plugins = tuple(plugins)
        self._mutating = [p.mutate for p in plugins if type(p).mutate is not Plugin.mutate]
        self._validating = [p.validate for p in plugins if type(p).validate is not Plugin.validate]

    async def mutate(self, attributes: Attributes) -> None:
        """Let every plug-in change the document."""
        for mutate in self._mutating:
            await mutate(attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Let every plug-in refuse the document; the first refusal ends the request."""
        for validate in self._validating:
            await validate(attributes)
