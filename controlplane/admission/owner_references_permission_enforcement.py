"""OwnerReferencesPermissionEnforcement: nobody has the garbage collector delete, or keep, what they could not.

changes metadata.ownerReferences       must be able to delete the object
sets blockOwnerDeletion of an owner    must be able to set finalizers on that owner
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from controlplane.admission.interface import Attributes, Caller, Operation, Plugin
from controlplane.api.codec import Document
from controlplane.api.resources import Resource

Allowed: TypeAlias = Callable[[Caller, str, Resource, str, str, str], Awaitable[tuple[bool, str]]]
"""allowed(user, verb, resource, subresource, namespace, name): whether they may, and the authorizer's reason."""

ResourceOf: TypeAlias = Callable[[str, str], "Resource | None"]
"""resource_of(api_version, kind)."""


class OwnerReferencesPermissionEnforcement(Plugin):
    """A pod's status says nothing of owners, and is written too often to look."""

    name = "OwnerReferencesPermissionEnforcement"

    def __init__(self, allowed: Allowed, resource_of: ResourceOf):
        self._allowed, self._resource_of = allowed, resource_of

    async def validate(self, attributes: Attributes) -> None:
        if attributes.document is None or attributes.operation not in (Operation.CREATE, Operation.UPDATE):
            return
        if attributes.is_for("pods", Operation.UPDATE, subresource="status"):
            return
        new, old = _owners(attributes.document), _owners(attributes.old or {})
        if new == old:
            return
        yes, why = await self._allowed(
            attributes.user,
            "delete",
            attributes.resource,
            attributes.subresource,
            attributes.namespace,
            attributes.name,
        )
        if not yes:
            raise attributes.forbidden(f"cannot set an ownerRef on a resource you can't delete: {why}, <nil>")
        for owner in _newly_blocking(new, old):
            await self._may_block(attributes, owner)

    async def _may_block(self, attributes: Attributes, owner: Document) -> None:
        version, kind = owner.get("apiVersion") or "", owner.get("kind") or ""
        resource = self._resource_of(version, kind)
        if resource is None:
            raise attributes.forbidden(
                f"cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion {version} "
                f'Kind {kind}: no matches for kind "{kind}" in version "{version}"'
            )
        place = attributes.namespace if resource.namespaced else ""
        yes, why = await self._allowed(
            attributes.user, "update", resource, "finalizers", place, owner.get("name") or ""
        )
        if not yes:
            raise attributes.forbidden(
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "
                f"{why}, <nil>"
            )


def _owners(document: Document) -> Sequence[Document]:
    return (document.get("metadata") or {}).get("ownerReferences") or []


def _newly_blocking(new: Sequence[Document], old: Sequence[Document]) -> list[Document]:
    before = {owner.get("uid") for owner in old if owner.get("blockOwnerDeletion")}
    return [owner for owner in new if owner.get("blockOwnerDeletion") and owner.get("uid") not in before]
