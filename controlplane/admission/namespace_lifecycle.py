"""NamespaceLifecycle: nothing new in a namespace that is missing or ending, and three that never end."""

from __future__ import annotations

from msgspec.structs import replace

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.patience import found_soon
from controlplane.api.core_v1 import Namespace
from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import resource_of
from controlplane.api.status import Forbidden, not_found
from controlplane.kit.clock import Clock

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class NamespaceLifecycle(Plugin):
    """Answers 404 for a missing namespace, 403 for one that is being terminated."""

    name = "NamespaceLifecycle"

    def __init__(self, reader: ObjectReader, clock: Clock):
        self._reader, self._clock = reader, clock

    async def mutate(self, attributes: Attributes) -> None:
        if attributes.resource.plural == "namespaces" and not attributes.resource.group:
            if attributes.operation is Operation.DELETE and attributes.name in IMMORTAL:
                raise attributes.forbidden("this namespace may not be deleted")
            return
        if not attributes.namespace or attributes.operation in (Operation.DELETE, Operation.CONNECT):
            return
        namespace = await self._find(attributes.namespace)
        if attributes.operation is Operation.CREATE and _is_ending(namespace):
            raise _terminating(attributes)

    async def _find(self, name: str) -> Namespace:
        namespace = await found_soon(self._reader, self._clock, Namespace, name)
        if namespace is None:
            raise not_found(resource_of(Namespace), name)
        return namespace


def _is_ending(namespace: Namespace) -> bool:
    phase = namespace.status.phase if namespace.status is not None else ""
    return bool(namespace.metadata.deletion_timestamp) or phase == "Terminating"


def _terminating(attributes: Attributes) -> Forbidden:
    """Return the 403 whose cause tells controllers to give up rather than to retry."""
    name = attributes.namespace
    refused = attributes.forbidden(f"unable to create new content in namespace {name} because it is being terminated")
    cause = StatusCause(
        reason="NamespaceTerminating", message=f"namespace {name} is being terminated", field="metadata.namespace"
    )
    return Forbidden(refused.message, details=replace(refused.details or StatusDetails(), causes=[cause]))
