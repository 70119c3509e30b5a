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


Observe = Callable[[float], None]
"""Takes seconds."""


class Timing(Protocol):
    """Says where to record how long admission takes."""

    def plugin(self, name: str, step: str, operation: Operation, rejected: bool) -> Observe: ...
    def step(self, step: str, operation: Operation, rejected: bool) -> Observe: ...


Run = Callable[[Attributes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Step:
    """What one step of admission runs for one resource and operation, in order, each with who is told its duration."""

    name: str  # "admit" or "validate", as metrics have it
    plugins: Sequence[tuple[str, Run, Observe]]
    observe: Observe


class Chain:
    """The plug-ins of a server, in order.

    A request runs only those that override the step in question and have to do with its resource: most have to do with
    one kind, and a heartbeat should not wait for all of them to say so.
    """

    def __init__(self, plugins: Sequence[Plugin], clock: Clock | None = None, timing: Timing | None = None):
        self.plugins = tuple(plugins)
        self._steps: dict[tuple[str, str, str, str], _Step] = {}  # by name, group, plural and operation
        self._now = clock.monotonic if clock is not None else lambda: 0.0
        self._timing = timing

    async def mutate(self, attributes: Attributes) -> None:
        """Let every plug-in change the document; and once more if one of them asks for it."""
        mutating = self._step("admit", attributes)
        await self._run(mutating, attributes)
        if attributes.rounds.again:
            attributes.rounds.second = True
            await self._run(mutating, attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Let every plug-in refuse the document; the first refusal ends the request."""
        await self._run(self._step("validate", attributes), attributes)

    def _step(self, name: str, attributes: Attributes) -> _Step:
        resource, operation = attributes.resource, attributes.operation
        key = name, resource.group, resource.plural, operation
        step = self._steps.get(key)
        if step is None:
            step = self._steps[key] = self._step_of(name, resource, operation)
        return step

    def _step_of(self, name: str, resource: Resource, operation: Operation) -> _Step:
        timing, shown = self._timing, resource.group_resource
        mine = [plugin for plugin in self.plugins if not plugin.looks_at or shown in plugin.looks_at]
        runs: list[tuple[str, Run]] = (
            [(one.name, one.mutate) for one in mine if type(one).mutate is not Plugin.mutate]
            if name == "admit"
            else [(one.name, one.validate) for one in mine if type(one).validate is not Plugin.validate]
        )
        if timing is None:
            return _Step(name, [(plugin, run, _nobody_asks) for plugin, run in runs], _nobody_asks)
        timed = [(plugin, run, timing.plugin(plugin, name, operation, False)) for plugin, run in runs]
        return _Step(name, timed, timing.step(name, operation, False))

    async def _run(self, step: _Step, attributes: Attributes) -> None:
        now = self._now
        began = before = now()
        for name, run, observe in step.plugins:
            try:
                await run(attributes)
            except BaseException:
                if self._timing is not None:
                    ended, operation = now(), attributes.operation
                    self._timing.plugin(name, step.name, operation, True)(ended - before)
                    self._timing.step(step.name, operation, True)(ended - began)
                raise
            after = now()
            observe(after - before)
            before = after
        step.observe(before - began)


def _nobody_asks(seconds: float) -> None:
    pass
