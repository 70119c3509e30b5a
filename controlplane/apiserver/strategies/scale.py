"""The scale subresource: a workload's replica count as an autoscaling/v1 Scale, read and written."""

from __future__ import annotations

import msgspec

from controlplane.api.autoscaling_v1 import Scale
from controlplane.api.codec import Document
from controlplane.api.meta_v1 import LabelSelector
from controlplane.api.resources import Resource
from controlplane.api.selectors import label_selector, labels_selector
from controlplane.api.status import conflict, invalid
from controlplane.api.validation.errors import at_least_zero

_SCALES = Resource("autoscaling", "v1", "Scale", "scales", Scale)  # served below other resources only
_IDENTITY = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(resource: Resource, document: Document) -> Document:
    """Return the Scale of a Deployment, ReplicaSet, StatefulSet or ReplicationController."""
    status: Document = {"replicas": document.get("status", {}).get("replicas") or 0}
    if selector := _selector_text(resource, document):
        status["selector"] = selector
    return scale_document(document, document.get("spec", {}).get("replicas") or 0, status)


def apply_scale(resource: Resource, document: Document, scale: Document) -> None:
    """Write the replica count of `scale` into a workload. Raises Invalid, Conflict."""
    document.setdefault("spec", {})["replicas"] = wanted_count(resource, document, scale)


def wanted_count(resource: Resource, document: Document, scale: Document) -> int:
    """Return the replica count of a Scale that is meant for this object as it is. Raises Invalid, Conflict."""
    name = document.get("metadata", {}).get("name", "")
    replicas: int = (scale.get("spec") or {}).get("replicas") or 0
    if errors := at_least_zero("spec.replicas", replicas):
        raise invalid(_SCALES, name, errors)
    theirs, ours = scale.get("metadata", {}), document.get("metadata", {})
    if theirs.get("resourceVersion") and theirs["resourceVersion"] != ours.get("resourceVersion"):
        raise conflict(resource, name)
    if theirs.get("uid") and theirs["uid"] != ours.get("uid"):
        uids = f"UID in precondition: {theirs['uid']}, UID in object meta: {ours.get('uid', '')}"
        raise conflict(resource, name, f"Precondition failed: {uids}")
    return replicas


def scale_document(document: Document, replicas: int, status: Document) -> Document:
    """Return a Scale of an object."""
    metadata = document.get("metadata", {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in _IDENTITY if name in metadata},
        "spec": {"replicas": replicas},
        "status": status,
    }


def _selector_text(resource: Resource, document: Document) -> str:
    selector = document.get("spec", {}).get("selector") or {}
    if resource.kind == "ReplicationController":
        return str(labels_selector(selector))
    return str(label_selector(msgspec.convert(selector, LabelSelector)))
