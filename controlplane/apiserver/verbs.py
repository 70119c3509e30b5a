"""Which verbs each resource and subresource knows: what routing allows and discovery announces."""

from __future__ import annotations

from controlplane.api.resources import USAGE, Resource

EVERYTHING = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

_CHANGED_IN_PLACE = ("get", "patch", "update")
_OF_SUBRESOURCE = {
    "approval": _CHANGED_IN_PLACE,
    "attach": ("create", "get"),
    "binding": ("create",),
    "ephemeralcontainers": _CHANGED_IN_PLACE,
    "eviction": ("create",),
    "exec": ("create", "get"),
    "finalize": ("update",),
    "log": ("get",),
    "portforward": ("create", "get"),
    "proxy": ("create", "delete", "get", "patch", "update"),
    "resize": _CHANGED_IN_PLACE,
    "scale": _CHANGED_IN_PLACE,
    "status": _CHANGED_IN_PLACE,
    "token": ("create",),
}

# What a subresource takes and gives, where that is not the object itself: group, version, kind.
KIND_OF_SUBRESOURCE = {
    "attach": ("", "v1", "PodAttachOptions"),
    "binding": ("", "v1", "Binding"),
    "eviction": ("policy", "v1", "Eviction"),
    "exec": ("", "v1", "PodExecOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
    "scale": ("autoscaling", "v1", "Scale"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
}
_PROXY_KINDS = {"nodes": "NodeProxyOptions", "pods": "PodProxyOptions", "services": "ServiceProxyOptions"}


def verbs_of(resource: Resource, subresource: str = "") -> tuple[str, ...]:
    """Return the verbs, in alphabetical order; none for a subresource that there is not."""
    if subresource:
        return _OF_SUBRESOURCE.get(subresource, ()) if subresource in resource.subresources else ()
    if resource.group_resource == "bindings":
        return ("create",)
    if resource.group_resource == "componentstatuses" or resource in USAGE:
        return ("get", "list")
    if resource.group_resource == "namespaces":
        return tuple(verb for verb in EVERYTHING if verb != "deletecollection")
    return EVERYTHING


def kind_of(resource: Resource, subresource: str) -> tuple[str, str, str]:
    """Return group, version and kind of what a subresource speaks."""
    if subresource == "proxy":
        return "", "v1", _PROXY_KINDS[resource.plural]
    return KIND_OF_SUBRESOURCE.get(subresource, (resource.group, resource.version, resource.kind))
