"""How a document becomes a stored object: the steps that create, update and patch share.

    defaults ─► mutating admission ─► a generated name ─► strategy prepares ─► managed fields ─► allocation (Services)
    ─► typed object ─► validation ─► validating admission ─► store

Nothing is written before every step has agreed. An update is made against one version of the object; if another write
comes first, it is made again against the newer version.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from controlplane.admission.interface import Attributes, Operation
from controlplane.api import status
from controlplane.api.codec import Document
from controlplane.api.resources import Resource
from controlplane.api.status import AlreadyExists, FieldError, StatusError
from controlplane.apiserver.bodies import to_object
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.metadata import (
    be_born,
    keep_identity,
    may_vanish,
    metadata_of,
    settle_generated_name,
    settle_name,
    settle_namespace,
    wrong_uid,
)
from controlplane.apiserver.options import WriteOptions
from controlplane.apiserver.patch import forget_idle_time, track_update
from controlplane.apiserver.storage import ResourceStorage
from controlplane.apiserver.strategies import Caller
from controlplane.kit.timestamps import format_time
from controlplane.store.interface import RevisionMismatch

_NAME_ATTEMPTS = 8  # made-up names tried before giving up, as upstream
_ATTEMPTS = 100  # versions an update is made against before the caller is asked to try again


class View(Protocol):
    """What policy is shown of an update whose body is another kind than the object: a Scale of a Deployment."""

    def shown(self, document: Document) -> Document:
        """Return the body that says what an object says."""

    def apply(self, document: Document, shown: Document) -> None:
        """Write what a body says into an object. Raises StatusError."""


Make = Callable[[CachedObject | None], Document]
"""Makes the wanted document from the current object (None: there is none); called again for each newer version."""


async def create_object(call: Call, document: Document, options: WriteOptions, *, typed: bool = False) -> CachedObject:
    """Store a new object; `typed`: its values are known to be of the right types. Raises StatusError."""
    storage, backend = call.storage, call.backend
    strategy, resource = storage.strategy, storage.resource
    metadata = metadata_of(document)
    settle_namespace(metadata, resource, call.info.namespace)
    be_born(metadata, backend.clock.now(), backend.random)
    strategy.default(document, typed=typed)
    attributes = _attributes(call, Operation.CREATE, document, None, options)
    await backend.admission.mutate(attributes)
    for attempt in range(1, _NAME_ATTEMPTS + 1):
        generated = settle_generated_name(metadata, backend.random)
        attributes.name = metadata.get("name") or ""
        strategy.prepare_create(document, _caller(call))
        _note_manager(call, _set_by_caller(resource, document), None, options)
        try:
            item = await _create_once(call, document, attributes, options)
            await storage.ready((item,))
            return item
        except AlreadyExists:
            if not generated or attempt == _NAME_ATTEMPTS:
                raise
            del metadata["name"]
    raise AssertionError("the last attempt returns or raises")


def _set_by_caller(resource: Resource, document: Document) -> Document:
    """Return a new object without the status, which nobody but the server has set."""
    if "status" not in resource.subresources and resource.custom:
        return document
    return {key: value for key, value in document.items() if key != "status"}


async def _create_once(call: Call, document: Document, attributes: Attributes, options: WriteOptions) -> CachedObject:
    storage, strategy = call.storage, call.storage.strategy
    async with _reservation(storage, document, options):
        obj = to_object(document, storage.expected)
        name: str = obj.metadata.name
        refuse_if(storage, name, strategy.validate(obj))
        call.warnings += strategy.warnings(obj)
        await call.backend.admission.validate(attributes)
        value = await storage.stored(obj)
        if options.dry_run:
            if storage.cache.get(storage.key(call.info.namespace, name)) is not None:
                raise status.already_exists(storage.resource, name)
            return storage.unwritten(call.info.namespace, name, value)
        return await storage.create(call.info.namespace, name, value)


def _reservation(
    storage: ResourceStorage, document: Document, options: WriteOptions
) -> AbstractAsyncContextManager[None]:
    """Hold what an object takes from a pool (a Service's addresses and ports) until it is written, or give it back."""
    if storage.allocator is None:
        return nullcontext()
    return storage.allocator.for_create(document, options.dry_run)


async def update_object(
    call: Call,
    make: Make,
    options: WriteOptions,
    *,
    create_missing: bool = False,
    admitted: bool = False,
    view: View | None = None,
) -> tuple[CachedObject, bool]:
    """Store a new version of an object; return it and whether it was created. Raises StatusError.

    `admitted`: policy has seen what was sent already, in a form of its own (a Binding).
    """
    storage, info = call.storage, call.info
    item = storage.cache.get(storage.key(info.namespace, info.name))
    newest = False  # the cache may be a moment behind the store
    for _ in range(_ATTEMPTS):
        if item is None:
            item, newest = await storage.read_from_store(info.namespace, info.name), True
        if item is None:
            if not create_missing:
                raise status.not_found(storage.resource, info.name)
            return await _create_named(call, make(None), options), True
        try:
            written = await _update_once(call, item, make, options, admitted, view)
        except RevisionMismatch:
            item = None
        except StatusError:
            # What was refused may only have been refused because the cache was behind.
            current = None if newest else await storage.read_from_store(info.namespace, info.name)
            if newest or (current is not None and current.revision == item.revision):
                raise
            item, newest = current, True
        else:
            if newest or written is not item:
                await storage.ready((written,))
                return written, False
            # There was nothing to write, to a version that may no longer be the newest: nobody has compared it.
            current = await storage.read_from_store(info.namespace, info.name)
            if current is not None and current.revision == written.revision:
                return written, False
            item, newest = current, True
    raise status.conflict(storage.resource, info.name)


async def _create_named(call: Call, document: Document, options: WriteOptions) -> CachedObject:
    metadata = metadata_of(document)
    settle_name(metadata, call.info.name)
    if metadata.get("uid"):
        # Whoever names a uid means an object that is gone.
        raise wrong_uid(call.storage.resource, call.info.name, metadata["uid"], "")
    return await create_object(call, document, options)


async def _update_once(
    call: Call, item: CachedObject, make: Make, options: WriteOptions, admitted: bool, view: View | None
) -> CachedObject:
    storage, strategy, subresource = call.storage, call.storage.strategy, call.info.subresource
    await storage.ready((item,))
    old = storage.document(item)
    new = make(item)
    _settle_identity(call, new, old)
    strategy.default(new, unchanged(new, old))
    attributes = _attributes(call, Operation.UPDATE, new, old, options)
    if view is not None:
        attributes.document, attributes.old, attributes.default = view.shown(new), view.shown(old), None
    if not admitted:
        await call.backend.admission.mutate(attributes)
    if view is not None and attributes.document is not None:
        view.apply(new, attributes.document)
    if subresource:
        strategy.prepare_subresource_update(subresource, new, old)
    else:
        strategy.prepare_update(new, old)
    _note_manager(call, new, old, options)
    async with _update_reservation(call, new, old, options):
        new_object, old_object = to_object(new, storage.expected), _as_object(storage, old)
        if subresource:
            errors = strategy.validate_subresource_update(subresource, new_object, old_object)
        else:
            errors = strategy.validate_update(new_object, old_object)
        refuse_if(storage, call.info.name, errors)
        call.warnings += strategy.update_warnings(new_object, old_object)
        if not admitted:
            await call.backend.admission.validate(attributes)
        return await _write(call, item, new, await storage.stored(new_object), options)


def _update_reservation(
    call: Call, new: Document, old: Document, options: WriteOptions
) -> AbstractAsyncContextManager[None]:
    allocator = call.storage.allocator
    if allocator is None or call.info.subresource:
        return nullcontext()
    return allocator.for_update(new, old, options.dry_run)


async def _write(call: Call, item: CachedObject, new: Document, value: bytes, options: WriteOptions) -> CachedObject:
    storage = call.storage
    if vanishes(storage, new):
        return storage.imagine(item, value) if options.dry_run else await storage.remove_as(item, value)
    if not storage.changed(item, value) and not await storage.resealed(item):
        return item
    return storage.imagine(item, value) if options.dry_run else await storage.replace(item, value)


def vanishes(storage: ResourceStorage, document: Document) -> bool:
    """Return whether a deleting object has nothing left to wait for: its removal completes the deletion."""
    if storage.resource.group_resource == "namespaces" and (document.get("spec") or {}).get("finalizers"):
        return False
    return may_vanish(document["metadata"])


def _note_manager(call: Call, new: Document, old: Document | None, options: WriteOptions) -> None:
    """Write into an object's metadata who manages the fields that this write changes.

    On create `new` is without the status.
    """
    if options.tracked:
        if old is not None:
            forget_idle_time(new, old)
        return
    manager = call.manager(options.field_manager)
    # A new object was first managed when it was born.
    now = format_time(call.backend.clock.now()) if old is not None else new["metadata"]["creationTimestamp"]
    track_update(new, old, manager, call.info.subresource, now, call.storage.shape.merging)


def unchanged(new: Document, old: Document) -> frozenset[str]:
    """Return the fields at the top in which two versions of an object agree: most writes are about one of three."""
    return frozenset(name for name, value in new.items() if name in old and (value is old[name] or value == old[name]))


def _settle_identity(call: Call, new: Document, old: Document) -> None:
    """Make sure that `new` is a version of `old`. Raises BadRequest, Conflict, Invalid."""
    resource, info = call.storage.resource, call.info
    metadata, was = metadata_of(new), old["metadata"]
    settle_namespace(metadata, resource, info.namespace)
    settle_name(metadata, info.name)
    version = metadata.get("resourceVersion") or ""
    if version and version != was["resourceVersion"]:
        if not (isinstance(version, str) and version.isdigit()):
            why = f'Invalid value: "{version}": must be an unsigned integer'
            raise status.invalid(
                resource, info.name, [FieldError("FieldValueInvalid", "metadata.resourceVersion", why)]
            )
        raise status.conflict(resource, info.name)
    if not version and not call.storage.strategy.allow_unconditional_update:
        why = "Invalid value: 0x0: must be specified for an update"
        raise status.invalid(resource, info.name, [FieldError("FieldValueInvalid", "metadata.resourceVersion", why)])
    if (uid := metadata.get("uid")) and uid != was.get("uid"):
        raise wrong_uid(resource, info.name, uid, was.get("uid", ""))
    keep_identity(metadata, was)
    metadata["resourceVersion"] = was["resourceVersion"]


def _attributes(
    call: Call, operation: Operation, document: Document, old: Document | None, options: WriteOptions
) -> Attributes:
    return Attributes(
        operation=operation,
        resource=call.storage.resource,
        name=call.info.name or document["metadata"].get("name") or "",
        user=call.user,
        namespace=call.info.namespace,
        subresource=call.info.subresource,
        document=document,
        old=old,
        dry_run=options.dry_run,
        options=options.document(f"{operation.value.title()}Options"),
        warnings=call.warnings,
        annotations=call.annotations,
        default=call.storage.strategy.default,
    )


def _caller(call: Call) -> Caller:
    user = call.user
    return Caller(user.name, user.uid, user.groups, user.extra)


def _as_object(storage: ResourceStorage, document: Document) -> Any:
    return storage.shape.object(document)


def refuse_if(storage: ResourceStorage, name: str, errors: list[FieldError]) -> None:
    """Raise Invalid if a rule is broken."""
    if errors:
        raise status.invalid(storage.resource, name, errors)
