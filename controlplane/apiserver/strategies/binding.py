"""The binding subresource: the one way in which a pod gets its node."""

from __future__ import annotations

from controlplane.api.codec import Document
from controlplane.api.resources import BY_KIND
from controlplane.api.status import conflict, invalid
from controlplane.api.validation.errors import not_supported, required

_PODS = BY_KIND["v1", "Pod"]
_BINDINGS = BY_KIND["v1", "Binding"]


def check_binding(binding: Document) -> None:
    """Refuse a Binding that names no node. Raises Invalid."""
    target = binding.get("target") or {}
    name = (binding.get("metadata") or {}).get("name", "")
    errors = []
    if target.get("kind", "") not in ("", "Node"):
        errors.append(not_supported("target.kind", target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        errors.append(required("target.name"))
    if errors:
        raise invalid(_BINDINGS, name, errors)


def apply_binding(pod: Document, binding: Document, now: str) -> None:
    """Give `pod`, in place, the node that `binding` names; `now` is RFC 3339. Raises Invalid, Conflict."""
    check_binding(binding)
    metadata, spec, node = pod.setdefault("metadata", {}), pod.setdefault("spec", {}), binding["target"]["name"]
    name, wanted = metadata.get("name", ""), binding.get("metadata") or {}
    if wanted.get("uid") and wanted["uid"] != metadata.get("uid"):
        uids = f"UID in precondition: {wanted['uid']}, UID in object meta: {metadata.get('uid', '')}"
        raise conflict(_PODS, name, f"Precondition failed: {uids}")
    if metadata.get("deletionTimestamp"):
        raise conflict(_PODS, name, f"pod {name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise conflict(_PODS, name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise conflict(_PODS, name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = node
    if wanted.get("annotations"):
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **wanted["annotations"]}
    _mark_scheduled(pod, now)


def _mark_scheduled(pod: Document, now: str) -> None:
    status = pod.setdefault("status", {})
    others = [one for one in status.get("conditions") or () if one.get("type") != "PodScheduled"]
    status["conditions"] = [*others, {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}]
