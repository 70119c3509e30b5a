"""Which handler answers a request for a resource.

verb and resource            list pods                    handlers/list.py
subresource                  create pods/binding          handlers/binding.py
question                     create tokenreviews          virtual/
anything else                404 if the path means nothing, 405 if only the verb does
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from controlplane.api.meta_v1 import StatusDetails
from controlplane.api.resources import Resource
from controlplane.api.status import MethodNotAllowed, NotFound
from controlplane.apiserver.calls import Call
from controlplane.apiserver.catalog import Catalog
from controlplane.apiserver.handlers.binding import bind, create_binding
from controlplane.apiserver.handlers.component_status import get_component, list_components
from controlplane.apiserver.handlers.create import create
from controlplane.apiserver.handlers.delete import delete, delete_collection
from controlplane.apiserver.handlers.eviction import evict
from controlplane.apiserver.handlers.get import get
from controlplane.apiserver.handlers.list import list_
from controlplane.apiserver.handlers.node_proxy import attach, execute, log, port_forward
from controlplane.apiserver.handlers.patch import patch
from controlplane.apiserver.handlers.proxy import proxy_node, proxy_pod, proxy_service
from controlplane.apiserver.handlers.question import ask, request_token
from controlplane.apiserver.handlers.scale import get_scale, patch_scale, update_scale
from controlplane.apiserver.handlers.update import update
from controlplane.apiserver.handlers.usage import get_usage, list_usage
from controlplane.apiserver.handlers.watch import watch
from controlplane.apiserver.messages import Answer
from controlplane.apiserver.request_info import RequestInfo
from controlplane.apiserver.verbs import verbs_of
from controlplane.apiserver.virtual import VIRTUAL

Handle = Callable[[Call], Awaitable[Answer]]

_OF_OBJECTS: Mapping[str, Handle] = {
    "create": create,
    "delete": delete,
    "deletecollection": delete_collection,
    "get": get,
    "list": list_,
    "patch": patch,
    "update": update,
    "watch": watch,
}
_OF_SUBRESOURCES: Mapping[tuple[str, str], Handle] = {
    ("attach", "create"): attach,
    ("attach", "get"): attach,
    ("binding", "create"): bind,
    ("eviction", "create"): evict,
    ("exec", "create"): execute,
    ("exec", "get"): execute,
    ("log", "get"): log,
    ("portforward", "create"): port_forward,
    ("portforward", "get"): port_forward,
    ("scale", "get"): get_scale,
    ("scale", "patch"): patch_scale,
    ("scale", "update"): update_scale,
    ("token", "create"): request_token,
}
_NOT_STORED: Mapping[tuple[str, str], Handle] = {
    ("bindings", "create"): create_binding,
    ("componentstatuses", "get"): get_component,
    ("componentstatuses", "list"): list_components,
    ("nodes", "get"): get_usage,
    ("nodes", "list"): list_usage,
    ("pods", "get"): get_usage,
    ("pods", "list"): list_usage,
}
# Whatever the method: what it means is for who is called.
_PROXIES: Mapping[str, Handle] = {"nodes": proxy_node, "pods": proxy_pod, "services": proxy_service}
# A path without a name, or across namespaces, is a collection: that is all one can do with it.
_OF_COLLECTIONS = frozenset({"create", "list", "watch", "deletecollection"})
_ACROSS_NAMESPACES = frozenset({"list", "watch"})


def route(info: RequestInfo, catalog: Catalog) -> Handle:
    """Return what answers a request. Raises NotFound, MethodNotAllowed."""
    resource = catalog.resources.get((info.group, info.version, info.resource))
    if resource is None or (info.prefix == "api") != (not info.group):
        return _question(info)
    if bool(info.namespace) > resource.namespaced and resource.group_resource != "namespaces":
        raise no_such_path()
    if info.subresource:
        return _subresource(resource, info)
    verbs = verbs_of(resource)
    collection = info.verb in _OF_COLLECTIONS
    if info.verb not in verbs or (info.verb == "create" and info.name):
        raise not_allowed()
    if resource.namespaced and not info.namespace and info.verb not in _ACROSS_NAMESPACES:
        raise no_such_path() if info.name else not_allowed()
    if not collection and not info.name:
        raise not_allowed()
    return _OF_OBJECTS[info.verb] if resource.stored else _NOT_STORED[resource.plural, info.verb]


def _subresource(resource: Resource, info: RequestInfo) -> Handle:
    verbs = verbs_of(resource, info.subresource)
    if not verbs or (resource.namespaced and not info.namespace):
        raise no_such_path()
    if info.subresource == "proxy":
        return _PROXIES[resource.plural]
    if info.verb not in verbs:
        raise not_allowed()
    return _OF_SUBRESOURCES.get((info.subresource, info.verb)) or _OF_OBJECTS[info.verb]


def _question(info: RequestInfo) -> Handle:
    virtual = VIRTUAL.get((info.group, info.version, info.resource))
    if virtual is None or info.subresource or virtual.namespaced != bool(info.namespace):
        raise no_such_path()
    if info.verb != "create" or info.name:
        raise not_allowed()
    return ask


def no_such_path() -> NotFound:
    return NotFound("the server could not find the requested resource", details=StatusDetails())


def not_allowed() -> MethodNotAllowed:
    return MethodNotAllowed("the server does not allow this method on the requested resource", details=StatusDetails())
