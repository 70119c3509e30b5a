"""A request as webhooks and policies are shown it: admission.k8s.io/v1 AdmissionRequest."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.admission.interface import Attributes, Caller
from controlplane.admission.outside import Served
from controlplane.admission.selection import namespace_of
from controlplane.admission.subresources import kind_of
from controlplane.api.codec import Document
from controlplane.api.resources import Resource


@dataclass(frozen=True, slots=True)
class Versioned:
    """A request as a webhook or policy sees it: as which resource it was matched, and the objects in that version."""

    attributes: Attributes
    resource: Resource
    document: Document | None
    old: Document | None

    def kinds(self) -> tuple[Document, Document]:
        """Return the kinds of what was matched and of what was sent."""
        group, version, kind = kind_of(self.attributes)
        sent = {"group": group, "version": version, "kind": kind}
        if self.resource is self.attributes.resource:
            return sent, sent
        matched = self.resource
        return {"group": matched.group, "version": matched.version, "kind": matched.kind}, sent

    def request(self) -> Document:
        """Return the AdmissionRequest without the objects."""
        attributes = self.attributes
        matched_kind, sent_kind = self.kinds()
        request: Document = {
            "kind": matched_kind,
            "resource": _named(self.resource),
            "requestKind": sent_kind,
            "requestResource": _named(attributes.resource),
            "operation": attributes.operation.value,
            "userInfo": user_info(attributes.user),
            "dryRun": attributes.dry_run,
            "options": dict(attributes.options) if attributes.options else None,
        }
        if attributes.name:
            request["name"] = attributes.name
        if attributes.subresource:
            request["subResource"] = request["requestSubResource"] = attributes.subresource
        if namespace := namespace_of(attributes):
            request["namespace"] = namespace
        return request


def _named(resource: Resource) -> Document:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


def user_info(user: Caller) -> Document:
    """Return an authentication.k8s.io/v1 UserInfo."""
    info: Document = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return info


async def versioned_as(attributes: Attributes, resource: Resource, served: Served) -> Versioned:
    """Return a request with its objects as `resource` has them."""
    if resource is attributes.resource:
        return Versioned(attributes, resource, attributes.document, attributes.old)
    document, old = attributes.document, attributes.old
    return Versioned(
        attributes,
        resource,
        None if document is None else await served.convert(document, resource),
        None if old is None else await served.convert(old, resource),
    )
