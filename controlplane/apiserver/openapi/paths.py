"""A resource's verbs as the operations of its paths, with the parameters each understands.

pods, patch ──► /api/v1/namespaces/{namespace}/pods/{name}: {"patch": {parameters: dryRun, fieldManager, …}}

kubectl asks here before it relies on the server: it only sends fieldValidation where PATCH has that parameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from controlplane.api.authentication_v1 import TokenRequest
from controlplane.api.autoscaling_v1 import Scale
from controlplane.api.base import KubeStruct
from controlplane.api.core_v1 import Binding
from controlplane.api.meta_v1 import DeleteOptions, ListMeta, Status
from controlplane.api.policy_v1 import Eviction
from controlplane.api.resources import Resource
from controlplane.apiserver.openapi.dialect import ANSWERED, Dialect, Node, Parameter
from controlplane.apiserver.openapi.schemas import Defined, Described, GroupVersionKind, Schemas
from controlplane.apiserver.verbs import kind_of, verbs_of
from controlplane.apiserver.virtual import VIRTUAL, VirtualResource

PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)

_WATCHED = ("application/json;stream=watch",)
_STRING, _INTEGER, _BOOLEAN = "string", "integer", "boolean"
_LIST = {
    "allowWatchBookmarks": _BOOLEAN,
    "continue": _STRING,
    "fieldSelector": _STRING,
    "labelSelector": _STRING,
    "limit": _INTEGER,
    "resourceVersion": _STRING,
    "resourceVersionMatch": _STRING,
    "sendInitialEvents": _BOOLEAN,
    "timeoutSeconds": _INTEGER,
}
_WRITE = {"dryRun": _STRING, "fieldManager": _STRING, "fieldValidation": _STRING}
_DELETE = {
    "dryRun": _STRING,
    "gracePeriodSeconds": _INTEGER,
    "ignoreStoreReadErrorWithClusterBreakingPotential": _BOOLEAN,
    "orphanDependents": _BOOLEAN,
    "propagationPolicy": _STRING,
}
_PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "list": {**_LIST, "watch": _BOOLEAN},
    "create": _WRITE,
    "update": _WRITE,
    "patch": {**_WRITE, "force": _BOOLEAN},
    "delete": _DELETE,
    "deletecollection": {**_LIST, **_DELETE},
    "get": {},
}
_METHODS = {
    "list": "get",
    "create": "post",
    "deletecollection": "delete",
    "get": "get",
    "update": "put",
    "patch": "patch",
    "delete": "delete",
}
_ACTIONS = {"create": "post", "update": "put"}  # x-kubernetes-action, where it is not the verb
_WORDS = {"get": "read", "update": "replace", "deletecollection": "delete"}  # operationId, where it is not the verb

_BODIES: Mapping[str, type[KubeStruct]] = {
    "binding": Binding,
    "eviction": Eviction,
    "scale": Scale,
    "token": TokenRequest,
}
# Answered by a stream of bytes, so that there is no schema to tell.
_CONNECTING = frozenset({"attach", "exec", "portforward", "proxy"})
_ANSWERED_TEXT = "log"


class Paths:
    """The paths of resources, in one dialect; the types they speak are collected in `schemas`."""

    def __init__(self, dialect: Dialect, schemas: Schemas, defined: Mapping[GroupVersionKind, Defined] | None = None):
        self._dialect, self._schemas, self._defined = dialect, schemas, defined or {}

    def of(self, resource: Resource) -> Iterator[tuple[str, Node]]:
        """Yield each path of a resource with its operations."""
        namespace = "{namespace}" if resource.namespaced else ""
        verbs = verbs_of(resource)
        collection, single = _split(verbs)
        gvk = (resource.group, resource.version, resource.kind)
        type_ = self._defined.get(gvk, resource.type)
        of_object = _Described(self, gvk, type_, namespaced=resource.namespaced)
        yield resource.path(namespace), of_object.item(collection)
        if resource.namespaced and "list" in verbs:
            yield resource.path(), of_object.across()
        if single:
            yield resource.path(namespace, "{name}"), of_object.item(single, named=True)
        for name in sorted(resource.subresources):
            described = _Described(
                self, kind_of(resource, name), _BODIES.get(name, type_), gvk, name, resource.namespaced
            )
            yield resource.path(namespace, "{name}", name), described.item(verbs_of(resource, name), named=True)

    def of_question(self, group: str, version: str, plural: str, virtual: VirtualResource) -> tuple[str, Node]:
        """Return the path of a resource that can only be POSTed."""
        place = "/namespaces/{namespace}" if virtual.namespaced else ""
        described = _Described(self, (group, version, virtual.kind), virtual.type, namespaced=virtual.namespaced)
        return f"/apis/{group}/{version}{place}/{plural}", described.item(("create",))

    @property
    def dialect(self) -> Dialect:
        return self._dialect

    @property
    def schemas(self) -> Schemas:
        return self._schemas


def _split(verbs: Sequence[str]) -> tuple[list[str], list[str]]:
    collection = [verb for verb in ("list", "create", "deletecollection") if verb in verbs]
    return collection, [verb for verb in ("get", "update", "patch", "delete") if verb in verbs]


class _Described:
    """One path on its way: what it speaks, and whose it is."""

    def __init__(
        self,
        paths: Paths,
        gvk: GroupVersionKind,
        type_: Described,
        owner: GroupVersionKind | None = None,
        subresource: str = "",
        namespaced: bool = True,
    ):
        self._dialect, self._schemas = paths.dialect, paths.schemas
        self._gvk, self._type, self._owner = gvk, type_, owner or gvk
        self._subresource, self._namespaced = subresource, namespaced

    def item(self, verbs: Sequence[str], *, named: bool = False) -> Node:
        """Return a path's operations, and the parameters they share."""
        operations = {_METHODS[verb]: self._operation(verb) for verb in verbs}
        return {**operations, "parameters": self._shared(named)}

    def across(self) -> Node:
        """Return the path that lists every namespace."""
        operation = self._operation("list", everywhere=True)
        return {"get": operation, "parameters": [self._dialect.parameter(Parameter("pretty"))]}

    def _shared(self, named: bool) -> list[Node]:
        names = (["name"] if named else []) + (["namespace"] if self._namespaced else [])
        shared = [Parameter(name, place="path") for name in names] + [Parameter("pretty")]
        return [self._dialect.parameter(parameter) for parameter in shared]

    def _operation(self, verb: str, *, everywhere: bool = False) -> Node:
        group, version, kind = self._gvk
        connects = self._subresource in _CONNECTING
        operation: Node = {
            "tags": [_tag(self._owner)],
            "operationId": self._id(verb, everywhere),
            "x-kubernetes-action": "connect" if connects else _ACTIONS.get(verb, verb),
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
            "responses": self._responses(verb),
        }
        parameters = {} if connects else _PARAMETERS[verb]
        if parameters:
            wanted = [self._dialect.parameter(Parameter(name, type_)) for name, type_ in parameters.items()]
            operation["parameters"] = wanted
        return operation if connects else self._with_body(operation, verb)

    def _with_body(self, operation: Node, verb: str) -> Node:
        match verb:
            case "create" | "update":
                return self._dialect.with_body(operation, self._schemas.of(self._type), (), required=True)
            case "patch":
                patches = PATCHES[:-1] if isinstance(self._type, Defined) else PATCHES
                return self._dialect.with_body(operation, self._schemas.patch(), patches, required=True)
            case "delete" | "deletecollection":
                return self._dialect.with_body(operation, self._schemas.of(DeleteOptions), (), required=False)
        return operation

    def _responses(self, verb: str) -> Node:
        media_types: Sequence[str]
        answer = self._dialect.response
        if self._subresource in _CONNECTING or self._subresource == _ANSWERED_TEXT:
            return {"200": answer("OK", {"type": "string"}, ("*/*",))}
        if verb in ("delete", "deletecollection"):
            schema, media_types = self._schemas.of(Status), ANSWERED
        elif verb == "list":
            schema, media_types = self._schemas.list_of(self._type, ListMeta), ANSWERED + _WATCHED
        else:
            schema, media_types = self._schemas.of(self._type), ANSWERED
        codes = {"200": "OK"}
        if verb in ("create", "update", "patch"):
            codes["201"] = "Created"
        if verb in ("create", "delete"):
            codes["202"] = "Accepted"
        codes["401"] = "Unauthorized"
        refused = {"description": "Unauthorized"}
        return {code: refused if code == "401" else answer(text, schema, media_types) for code, text in codes.items()}

    def _id(self, verb: str, everywhere: bool) -> str:
        """Return upstream's operationId: generated clients make method names of it."""
        group, version, kind = self._owner
        word = "connect" + _METHODS[verb].capitalize() if self._subresource in _CONNECTING else _WORDS.get(verb, verb)
        scope = "Namespaced" if self._namespaced and not everywhere else ""
        head = _words(group) + version.capitalize() + ("Collection" if verb == "deletecollection" else "")
        tail = self._subresource.capitalize() + ("ForAllNamespaces" if everywhere else "")
        return f"{word}{head}{scope}{kind}{tail}"


def _words(group: str) -> str:
    parts = (group or "core").removesuffix(".k8s.io").split(".")
    return "".join(part.capitalize() for part in parts)


def _tag(gvk: GroupVersionKind) -> str:
    words = _words(gvk[0])
    return f"{words[0].lower()}{words[1:]}_{gvk[1]}"


def questions() -> Iterator[tuple[str, str, str, VirtualResource]]:
    """Yield the resources that are never stored, but for subresources."""
    for (group, version, plural), virtual in VIRTUAL.items():
        if "/" not in plural:
            yield group, version, plural, virtual
