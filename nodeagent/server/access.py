"""What a request is in the words of authorization: an access to a subresource of this node."""

from __future__ import annotations

from controlplane.api.authorization_v1 import ResourceAttributes

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SUBRESOURCES = {
    "stats": ("stats",),
    "metrics": ("metrics",),
    "logs": ("log",),
    # Narrow permissions that suffice, before the one that opens everything: upstream since 1.33.
    "pods": ("pods", "proxy"),
    "runningpods": ("pods", "proxy"),
    "healthz": ("healthz", "proxy"),
    "configz": ("configz", "proxy"),
}


def attributes_of(method: str, path: str, node: str) -> list[ResourceAttributes]:
    """Return the accesses of which one must be allowed for the request."""
    first = path.strip("/").split("/")[0]
    # Opening a stream is making something, even when the request that upgrades the connection is a GET: otherwise
    # whoever may read could also run commands.
    verb = "create" if first in ("exec", "attach", "portForward", "run") else _VERBS.get(method, "")
    return [
        ResourceAttributes(verb=verb, version="v1", resource="nodes", subresource=one, name=node)
        for one in _SUBRESOURCES.get(first, ("proxy",))
    ]
