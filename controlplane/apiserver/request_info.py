"""What a request asks for, read off its method and path: upstream's URL grammar.

/api/v1/namespaces/shop/pods/web-0/log        get pods/log web-0 in shop
└prefix └version    └namespace └resource └name └subresource
/apis/apps/v1/deployments?watch=1             watch deployments.apps everywhere
/healthz                                      no resource: verb get, path /healthz
"""

from __future__ import annotations

import msgspec

from controlplane.apiserver.messages import Query

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

# Below /namespaces/NAME these belong to the Namespace itself, anything else is a resource inside it.
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})


class RequestInfo(msgspec.Struct, frozen=True):
    """The attributes of a request that routing, authorization and metrics look at."""

    path: str
    verb: str
    is_resource: bool = False
    prefix: str = ""
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    tail: str = ""  # what follows the subresource: the path that a proxy is asked for

    @property
    def scope(self) -> str:
        """The label of upstream's request metrics."""
        if self.name or (self.is_resource and self.verb == "create"):
            return "resource"
        if self.namespace:
            return "namespace"
        return "cluster" if self.is_resource else ""


def parse_request_info(method: str, path: str, query: Query) -> RequestInfo:
    """Return what a request is about; a path outside /api and /apis is a non-resource path."""
    verb = _VERBS.get(method, method.lower())
    parts = [part for part in path.split("/") if part]
    if not parts or parts[0] not in ("api", "apis"):
        return RequestInfo(path, method.lower())
    group = ""
    rest = parts[1:]
    if parts[0] == "apis" and rest:
        group, *rest = rest
    if len(rest) < 2:
        return RequestInfo(path, method.lower(), prefix=parts[0])
    return _resource_request(path, verb, parts[0], group, rest, query)


def _resource_request(path: str, verb: str, prefix: str, group: str, rest: list[str], query: Query) -> RequestInfo:
    version, *rest = rest
    legacy = rest[0] if rest[0] in ("watch", "proxy") else ""
    if legacy:
        verb, rest = legacy, rest[1:]
    namespace, rest = _split_namespace(rest)
    resource, name, subresource = (*rest[:3], "", "", "")[:3]
    if not name and verb == "get":
        verb = "watch" if query.flag("watch") else "list"
    elif not name and verb == "delete":
        verb = "deletecollection"
    if not name and verb in ("list", "watch"):
        # One object asked for by selector may be allowed where the whole list is not.
        name = _selected_name(query.get("fieldSelector"))
    return RequestInfo(
        path, verb, True, prefix, group, version, namespace, resource, name, subresource, "/".join(rest[3:])
    )


def _split_namespace(rest: list[str]) -> tuple[str, list[str]]:
    if len(rest) < 2 or rest[0] != "namespaces":
        return "", rest
    if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
        return rest[1], rest[2:]
    return rest[1], rest


def _selected_name(selector: str) -> str:
    for term in selector.split(",") if selector else ():
        key, sign, value = term.partition("=")
        if sign and key.strip() == "metadata.name":
            return value.removeprefix("=").strip()
    return ""
