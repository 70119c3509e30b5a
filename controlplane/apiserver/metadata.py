"""The part of ObjectMeta that is the server's: names, identity, time of birth, and what a deletion writes into it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from controlplane.api import status
from controlplane.api.codec import Document
from controlplane.api.meta_v1 import DeleteOptions
from controlplane.api.resources import Resource
from controlplane.api.status import BadRequest
from controlplane.apiserver.names import generate_name, generate_uid
from controlplane.kit.timestamps import format_time, parse_time

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"

_SERVERS_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")


def metadata_of(document: Document) -> Document:
    """Return a document's metadata, made if it is missing. Raises BadRequest."""
    metadata = document.get("metadata")
    if metadata is None:
        metadata = document["metadata"] = {}
    if not isinstance(metadata, dict):
        raise BadRequest("metadata must be an object")
    return metadata


def settle_namespace(metadata: Document, resource: Resource, namespace: str) -> None:
    """Give an object the namespace of the path. Raises BadRequest if it names another."""
    if not resource.namespaced:
        metadata.pop("namespace", None)
        return
    if metadata.get("namespace") not in (None, "", namespace):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = namespace


def settle_name(metadata: Document, name: str) -> None:
    """Give an object the name of the path. Raises BadRequest if it has another."""
    if not metadata.get("name"):
        metadata["name"] = name
    elif metadata["name"] != name:
        raise BadRequest(f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})")


def be_born(metadata: Document, now: datetime, random: Random) -> None:
    """Fill in what the server decides for a new object. Raises BadRequest."""
    if metadata.get("resourceVersion"):
        raise BadRequest("resourceVersion should not be set on objects to be created")
    for name in (*_SERVERS_OWN, "resourceVersion"):
        metadata.pop(name, None)
    metadata["uid"] = generate_uid(random)
    metadata["creationTimestamp"] = format_time(now)


def settle_generated_name(metadata: Document, random: Random) -> bool:
    """Make up a name from generateName if there is none; return whether that was done."""
    base = metadata.get("generateName")
    if metadata.get("name") or not isinstance(base, str) or not base:
        return False
    metadata["name"] = generate_name(base, random)
    return True


def keep_identity(new: Document, old: Document) -> None:
    """Carry over what an update cannot change and need not repeat."""
    for name in ("uid", "creationTimestamp", "generateName"):
        if not new.get(name) and old.get(name):
            new[name] = old[name]
    new.pop("selfLink", None)
    # Nobody but DELETE may change when an object ends, and nobody but the kind's strategy its generation.
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        if name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)


def check_preconditions(
    resource: Resource, name: str, metadata: Document, revision: int, options: DeleteOptions
) -> None:
    """Raise Conflict unless the object is the one that the caller means."""
    wanted = options.preconditions
    if wanted is None:
        return
    if wanted.uid and wanted.uid != metadata.get("uid"):
        raise wrong_uid(resource, name, wanted.uid, metadata.get("uid", ""))
    if wanted.resource_version and wanted.resource_version != str(revision):
        raise status.conflict(
            resource,
            name,
            f"Precondition failed: ResourceVersion in precondition: {wanted.resource_version}, "
            f"ResourceVersion in object meta: {revision}",
        )


def wrong_uid(resource: Resource, name: str, wanted: str, found: str) -> status.Conflict:
    return status.conflict(
        resource, name, f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    )


def finalizers_for(metadata: Document, policy: str, default_policy: str) -> list[str]:
    """Return the finalizers an object has while it is deleted with a propagation policy.

    The garbage collector removes the two that are its own when the dependents are gone, or are orphans.
    """
    present: Sequence[str] = metadata.get("finalizers") or ()
    if not policy:
        # Not said: what the object already carries speaks first, then the kind's default.
        policy = next((p for f, p in ((ORPHAN, "Orphan"), (FOREGROUND, "Foreground")) if f in present), default_policy)
    kept = [finalizer for finalizer in present if finalizer not in (ORPHAN, FOREGROUND)]
    added = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(policy, [])
    return kept + added


def mark_deleted(metadata: Document, now: datetime, grace_seconds: int) -> None:
    """Write into an object that it is to end `grace_seconds` from now."""
    metadata["deletionTimestamp"] = format_time(now + timedelta(seconds=grace_seconds))
    metadata["deletionGracePeriodSeconds"] = grace_seconds
    if metadata.get("generation"):
        metadata["generation"] += 1


def shorten_grace(metadata: Document, grace_seconds: int) -> bool:
    """Bring the end of a deleting object forward; return whether that changed anything."""
    current = metadata.get("deletionGracePeriodSeconds")
    if current is None or grace_seconds >= current:
        return False
    requested = parse_time(metadata["deletionTimestamp"]) - timedelta(seconds=current)
    metadata["deletionTimestamp"] = format_time(requested + timedelta(seconds=grace_seconds))
    metadata["deletionGracePeriodSeconds"] = grace_seconds
    return True


def may_vanish(metadata: Document) -> bool:
    """Return whether nothing holds a deleting object any more: no finalizer, no grace period under way."""
    return bool(
        metadata.get("deletionTimestamp")
        and not metadata.get("finalizers")
        and not metadata.get("deletionGracePeriodSeconds")
    )
