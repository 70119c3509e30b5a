"""Who controls what: an object has at most one controlling owner, and a selector says whom an owner may adopt.

the object's controller   selector matches   the owner then
------------------------  -----------------  -------------------------------
this owner                yes                keeps it
this owner                no                 releases it
nobody                    yes                adopts it (if neither is going away)
somebody else             any                leaves it alone
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from controlplane.api.meta_v1 import ObjectMeta, OwnerReference
from controlplane.api.resources import resource_of
from controlplane.api.selectors import Selector
from controlplane.client.client import Client
from controlplane.client.lister import Lister

T = TypeVar("T")


def controller_of(metadata: ObjectMeta) -> OwnerReference | None:
    """Return the reference to the owner that controls the object, if there is one."""
    return next((owner for owner in metadata.owner_references if owner.controller), None)


def is_controlled_by(obj: Any, owner: Any) -> bool:
    reference = controller_of(obj.metadata)
    return reference is not None and reference.uid == owner.metadata.uid


def controller_reference(owner: Any) -> OwnerReference:
    """Return the reference that makes `owner` the controller of whatever carries it."""
    resource = resource_of(type(owner))
    return OwnerReference(
        api_version=resource.api_version,
        kind=resource.kind,
        name=owner.metadata.name,
        uid=owner.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )


INDEX = "controller or orphan"


def by_controller_or_orphan(obj: Any) -> tuple[str]:
    """Index function: the UID of the controller, or the namespace whose orphan the object is."""
    reference = controller_of(obj.metadata)
    return (reference.uid if reference else _orphans_of(obj.metadata.namespace),)


def candidates(lister: Lister[T], owner: Any) -> list[T]:
    """Return what `owner` controls or might adopt."""
    metadata = owner.metadata
    return [*lister.by_index(INDEX, metadata.uid), *lister.by_index(INDEX, _orphans_of(metadata.namespace))]


def orphans(lister: Lister[T], namespace: str) -> list[T]:
    return list(lister.by_index(INDEX, _orphans_of(namespace)))


def _orphans_of(namespace: str) -> str:
    return f"orphans/{namespace}"  # no UID looks like this


@dataclass(frozen=True, slots=True)
class Claim(Generic[T]):
    """What an owner keeps, should adopt and should release."""

    keep: tuple[T, ...] = ()
    adopt: tuple[T, ...] = ()
    release: tuple[T, ...] = ()


def claim(owner: Any, selector: Selector, objects: Iterable[T]) -> Claim[T]:
    """Decide what becomes of each object; see the table above."""
    keep: list[T] = []
    adopt: list[T] = []
    release: list[T] = []
    owner_leaves = owner.metadata.deletion_timestamp is not None
    for obj in objects:
        metadata: ObjectMeta = obj.metadata  # type: ignore[attr-defined]
        controller = controller_of(metadata)
        matches = selector.matches(metadata.labels)
        if controller is not None and controller.uid == owner.metadata.uid:
            if matches:
                keep.append(obj)
            elif not owner_leaves:
                release.append(obj)
        elif controller is None and matches and not owner_leaves and metadata.deletion_timestamp is None:
            adopt.append(obj)
    return Claim(tuple(keep), tuple(adopt), tuple(release))


async def adopt(client: Client, owner: Any, obj: T) -> T:
    """Make `owner` the controller of `obj`. Raises Conflict if `obj` changed since it was read."""
    metadata = obj.metadata  # type: ignore[attr-defined]
    return await with_owners(client, obj, [*metadata.owner_references, controller_reference(owner)])


async def release(client: Client, owner: Any, obj: T) -> T:
    """Remove `owner` from the owners of `obj`. Raises Conflict if `obj` changed since it was read."""
    return await without_owners(client, obj, {owner.metadata.uid})


async def without_owners(client: Client, obj: T, uids: set[str]) -> T:
    metadata = obj.metadata  # type: ignore[attr-defined]
    return await with_owners(client, obj, [owner for owner in metadata.owner_references if owner.uid not in uids])


async def with_owners(client: Client, obj: T, owners: list[OwnerReference]) -> T:
    """Replace the owners of `obj`. Raises Conflict if it changed since it was read."""
    # A merge patch replaces the list as a whole, so it carries the version it was made from.
    metadata = obj.metadata  # type: ignore[attr-defined]
    patch = {
        "metadata": {
            "uid": metadata.uid,
            "resourceVersion": metadata.resource_version,
            "ownerReferences": owners or None,
        }
    }
    patched: Any = await client.patch(cast(Any, type(obj)), metadata.name, patch, metadata.namespace)
    return cast(T, patched)
