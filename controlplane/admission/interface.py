"""What a plug-in sees of a request, what it may do about it, and the chain that asks each in turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from controlplane.api import status
from controlplane.api.codec import Document
from controlplane.api.resources import Resource
from controlplane.kit.clock import Clock


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
    @property
    def uid(self) -> str: ...
    @property
    def extra(self) -> Mapping[str, tuple[str, ...]]: ...


@dataclass(slots=True)
class Rounds:
    """Mutating plug-ins run once, and once more if one of those that ask for it (webhooks, policies) changed something.

    `again` asks for the second round; in it `second` is true. `kept` is what a plug-in remembers between the two.
    """

    again: bool = False
    second: bool = False
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Attributes:
    """One request on its way to the store.

    `document` is the object as it would be stored and is what `mutate` changes in place: None for DELETE. `old` is the
    stored object (UPDATE, DELETE), shared with every reader, so never changed. For a subresource with a body of its own
    (Binding, Eviction, TokenRequest) `document` is that body; of a Scale it is the new one and `old` the one that was.
    For CONNECT it is the connection's options (PodExecOptions), as its query says them.
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
    warnings: list[str] = field(default_factory=list)  # what the caller shall hear
    annotations: dict[str, str] = field(default_factory=dict)  # what the audit log shall say
    default: Callable[[Document], None] | None = None  # fills in what a changed document leaves out
    rounds: Rounds = field(default_factory=Rounds)

    def is_for(self, plural: str, *operations: Operation, group: str = "", subresource: str = "") -> bool:
        """Return whether the request does one of `operations` to this resource, or to its `subresource`."""
        resource = self.resource
        return (
            resource.plural == plural
            and resource.group == group
            and self.subresource == subresource
            and self.operation in operations
        )

    def replace(self, document: Document) -> None:
        """Let `document` be the object, in place: whoever holds the object or its metadata sees the change."""
        current = self.document
        if current is None or not isinstance(document.get("metadata"), dict | type(None)):
            raise status.InternalError("Internal error occurred: a patch left an object without metadata")
        if self.default is not None:
            self.default(document)
        metadata, changed = current.get("metadata"), document.get("metadata")
        if metadata is not None and changed is not None:
            if (changed.get("namespace") or "") != (metadata.get("namespace") or ""):
                raise status.BadRequest(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            metadata.clear()
            metadata.update(changed)
            document["metadata"] = metadata
        current.clear()
        current.update(document)

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
    looks_at: frozenset[str] = frozenset()  # the resources it has to do with, as pods or ingresses.networking.k8s.io

    async def mutate(self, attributes: Attributes) -> None:
        """Change `attributes.document` in place, or raise StatusError to refuse the request."""

    async def validate(self, attributes: Attributes) -> None:
        """Raise StatusError (Forbidden, Invalid) to refuse the object as it will be stored."""


class Timing(Protocol):
    """Records how long admission takes."""

    def plugin(self, name: str, step: str, operation: Operation, rejected: bool, seconds: float) -> None: ...
    def step(self, step: str, operation: Operation, rejected: bool, seconds: float) -> None: ...


Step = Callable[[Attributes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Steps:
    """What a request for one resource runs, in order."""

    mutating: Sequence[tuple[str, Step]]
    validating: Sequence[tuple[str, Step]]


class Chain:
    """The plug-ins of a server, in order.

    A request runs only those that override the step in question and have to do with its resource: most have to do with
    one kind, and a heartbeat should not wait for all of them to say so.
    """

    def __init__(self, plugins: Sequence[Plugin], clock: Clock | None = None, timing: Timing | None = None):
        self.plugins = tuple(plugins)
        self._steps: dict[tuple[str, str], _Steps] = {}  # by group and plural
        self._clock, self._timing = clock, timing

    async def mutate(self, attributes: Attributes) -> None:
        """Let every plug-in change the document; and once more if one of them asks for it."""
        mutating = self._steps_of(attributes.resource).mutating
        await self._run("admit", mutating, attributes)
        if attributes.rounds.again:
            attributes.rounds.second = True
            await self._run("admit", mutating, attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Let every plug-in refuse the document; the first refusal ends the request."""
        await self._run("validate", self._steps_of(attributes.resource).validating, attributes)

    def _steps_of(self, resource: Resource) -> _Steps:
        key = resource.group, resource.plural
        if key not in self._steps:
            name = resource.group_resource
            mine = [p for p in self.plugins if not p.looks_at or name in p.looks_at]
            self._steps[key] = _Steps(
                [(p.name, p.mutate) for p in mine if type(p).mutate is not Plugin.mutate],
                [(p.name, p.validate) for p in mine if type(p).validate is not Plugin.validate],
            )
        return self._steps[key]

    async def _run(self, step: str, plugins: Sequence[tuple[str, Step]], attributes: Attributes) -> None:
        if self._timing is None or self._clock is None:
            for _, run in plugins:
                await run(attributes)
            return
        timing, now, operation = self._timing, self._clock.monotonic, attributes.operation
        began = before = now()
        try:
            for name, run in plugins:
                try:
                    await run(attributes)
                except BaseException:
                    timing.plugin(name, step, operation, True, now() - before)
                    raise
                after = now()
                timing.plugin(name, step, operation, False, after - before)
                before = after
        except BaseException:
            timing.step(step, operation, True, now() - began)
            raise
        timing.step(step, operation, False, before - began)
