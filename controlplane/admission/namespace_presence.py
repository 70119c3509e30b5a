"""NamespaceAutoProvision and NamespaceExists: what NamespaceLifecycle does, otherwise, for those who want it so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.patience import found_soon
from controlplane.api.core_v1 import Namespace
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import resource_of
from controlplane.api.status import AlreadyExists, StatusError, not_found
from controlplane.kit.clock import Clock

Provide = Callable[[str], Awaitable[None]]
"""Creates a namespace. Raises StatusError."""


class NamespaceAutoProvision(Plugin):
    """Makes the namespace that the first object in it needs."""

    name = "NamespaceAutoProvision"

    def __init__(self, reader: ObjectReader, provide: Provide):
        self._reader, self._provide = reader, provide

    async def mutate(self, attributes: Attributes) -> None:
        if attributes.operation is not Operation.CREATE or not _in_namespace(attributes) or attributes.dry_run:
            return
        if self._reader.get(Namespace, "", attributes.namespace) is not None:
            return
        try:
            await self._provide(attributes.namespace)
        except AlreadyExists:
            return
        except StatusError as error:
            raise attributes.forbidden(error.message) from error


class NamespaceExists(Plugin):
    """Answers 404 for anything in a namespace that is missing, deletions included."""

    name = "NamespaceExists"

    def __init__(self, reader: ObjectReader, clock: Clock):
        self._reader, self._clock = reader, clock

    async def validate(self, attributes: Attributes) -> None:
        if attributes.operation is Operation.CONNECT or not _in_namespace(attributes):
            return
        if await found_soon(self._reader, self._clock, Namespace, attributes.namespace) is None:
            raise not_found(resource_of(Namespace), attributes.namespace)


def _in_namespace(attributes: Attributes) -> bool:
    return bool(attributes.namespace) and attributes.resource.namespaced
