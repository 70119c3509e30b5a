"""What a DELETE does to an object: end it now, mark it and wait, or nothing because it is ending already.

no grace, no finalizers      remove it
finalizers                   deletionTimestamp; whoever removes the last finalizer removes the object
grace (pods)                 deletionTimestamp in the future; the node agent deletes again with 0 when it has stopped
namespaces                   phase Terminating; the namespace controller empties it and calls /finalize
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from controlplane.admission.interface import Attributes, Operation
from controlplane.api import status
from controlplane.api.codec import Document, to_document
from controlplane.api.meta_v1 import DeleteOptions
from controlplane.api.status import StatusError
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.metadata import check_preconditions, finalizers_for, mark_deleted, shorten_grace
from controlplane.apiserver.storage import ResourceStorage
from controlplane.auth.authorizers import decide
from controlplane.auth.interface import AccessRequest
from controlplane.kit.timestamps import format_time
from controlplane.store.interface import RevisionMismatch

_ATTEMPTS = 100
_UNSAFE = "unsafe-delete-ignore-read-errors"  # the verb that deleting what cannot be read needs besides `delete`


class Outcome(Enum):
    """What becomes of the object."""

    REMOVE = "remove"
    MARK = "mark"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object after a DELETE, and whether it is gone."""

    item: CachedObject
    gone: bool


def plan_deletion(
    document: Document, grace: int, options: DeleteOptions, default_policy: str, now: datetime
) -> Outcome:
    """Decide, changing `document` into what is to be written."""
    metadata = document["metadata"]
    pending = metadata.get("deletionGracePeriodSeconds") or 0
    if pending and grace:
        return Outcome.MARK if shorten_grace(metadata, grace) else Outcome.KEEP
    finalizers = finalizers_for(metadata, options.propagation_policy, default_policy)
    if not finalizers and not grace:
        return Outcome.REMOVE
    before = dict(metadata)
    if not metadata.get("deletionTimestamp"):
        mark_deleted(metadata, now, grace)
    elif pending:
        metadata["deletionGracePeriodSeconds"] = 0
        metadata["deletionTimestamp"] = format_time(now)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    return Outcome.KEEP if metadata == before else Outcome.MARK


def plan_namespace_deletion(document: Document, now: datetime) -> Outcome:
    """Decide the same for a namespace, whose own finalizers are in its spec."""
    metadata = document["metadata"]
    held = (document.get("spec") or {}).get("finalizers") or metadata.get("finalizers")
    if metadata.get("deletionTimestamp"):
        return Outcome.KEEP if held else Outcome.REMOVE
    if not held:
        return Outcome.REMOVE
    metadata["deletionTimestamp"] = format_time(now)
    document["status"] = {**(document.get("status") or {}), "phase": "Terminating"}
    return Outcome.MARK


async def delete_object(call: Call, namespace: str, name: str, options: DeleteOptions) -> Deleted:
    """Delete an object, or set its deletion going. Raises StatusError."""
    storage = call.storage
    item = storage.cache.get(storage.key(namespace, name))
    newest = False
    for _ in range(_ATTEMPTS):
        if item is None:
            item, newest = await storage.read_from_store(namespace, name), True
        if item is None:
            raise status.not_found(storage.resource, name)
        try:
            return await _delete_once(call, item, namespace, name, options)
        except RevisionMismatch:
            item = None
        except StatusError:
            current = None if newest else await storage.read_from_store(namespace, name)
            if newest or (current is not None and current.revision == item.revision):
                raise
            item, newest = current, True
    raise status.conflict(storage.resource, name)


async def delete_unreadable(call: Call, options: DeleteOptions) -> None:
    """Delete an object that the store holds and nobody can read, its finalizers with it. Raises StatusError."""
    info, resource = call.info, call.storage.resource
    access = AccessRequest(
        call.user, _UNSAFE, resource.group, resource.version, resource.plural, "", info.namespace, info.name
    )
    decision = await decide(call.backend.authorizer, access)
    if not decision.allowed:
        raise status.forbidden(resource, info.name, f'not permitted to do "{_UNSAFE}", reason: {decision.reason}')
    await call.storage.remove_unreadable(info.namespace, info.name, dry_run=bool(options.dry_run))


async def _delete_once(call: Call, item: CachedObject, namespace: str, name: str, options: DeleteOptions) -> Deleted:
    storage, backend = call.storage, call.backend
    await storage.ready((item,))
    document = storage.document(item)
    check_preconditions(storage.resource, name, document["metadata"], item.revision, options)
    await _admit(call, namespace, name, document, options)
    now = backend.clock.now()
    storage.strategy.prepare_delete(document, now)
    outcome = _plan(storage, item, document, options, now)
    if outcome is Outcome.KEEP:
        return Deleted(item, gone=False)
    if outcome is Outcome.REMOVE:
        return Deleted(item if options.dry_run else await storage.remove(item), gone=True)
    value = await storage.stored(storage.shape.object(document))
    if options.dry_run:
        return Deleted(storage.imagine(item, value), gone=False)
    return Deleted(await storage.replace(item, value), gone=False)


def _plan(
    storage: ResourceStorage, item: CachedObject, document: Document, options: DeleteOptions, now: datetime
) -> Outcome:
    if storage.resource.group_resource == "namespaces":
        return plan_namespace_deletion(document, now)
    strategy = storage.strategy
    grace = strategy.grace_period(storage.decoded(item), options.grace_period_seconds) or 0
    return plan_deletion(document, grace, options, strategy.default_propagation, now)


async def _admit(call: Call, namespace: str, name: str, document: Document, options: DeleteOptions) -> None:
    attributes = Attributes(
        operation=Operation.DELETE,
        resource=call.storage.resource,
        name=name,
        user=call.user,
        namespace=namespace,
        old=document,
        dry_run=bool(options.dry_run),
        options={**to_document(options), "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"},
        warnings=call.warnings,
        annotations=call.annotations,
    )
    await call.backend.admission.mutate(attributes)
    await call.backend.admission.validate(attributes)
