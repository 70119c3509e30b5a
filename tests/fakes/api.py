"""An API server in memory that behaves: versions, conflicts, watches, selectors, finalizers, status, binding.

    api = FakeApi(clock)
    client = Client(api)
    api.add(Pod(metadata=ObjectMeta(name="a", namespace="default")))     # as if somebody else had created it
    ...
    assert api.get(Pod, "a", "default").spec.node_name == "n1"

It defaults and validates nothing. To make life hard: `api.fail(...)`, `api.unreachable = True`, `api.break_watches()`,
`api.end_watches()`, `api.compact()`. What it was asked is in `api.requests`.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.api.codec import Document, encode, from_document, to_document
from controlplane.api.core_v1 import Namespace
from controlplane.api.resources import BY_PATH, Resource, resource_of
from controlplane.api.selectors import parse_field_selector, parse_label_selector
from controlplane.api.status import (
    BadRequest,
    Expired,
    NotFound,
    StatusError,
    already_exists,
    conflict,
    not_found,
)
from controlplane.client.transport import JSON, Query, Response, Unreachable
from controlplane.kit.clock import Clock, ManualClock
from controlplane.kit.timestamps import format_time
from tests.fakes.documents import field_at, json_patch, merge_patch, strategic_patch

T = TypeVar("T", bound=KubeStruct)

_PATH = re.compile(
    r"/api(?:s/(?P<group>[^/]+))?/(?P<version>v[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>.+))?$"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    content_type: str = JSON


@dataclass(frozen=True, slots=True)
class _Target:
    resource: Resource
    namespace: str
    name: str
    subresource: str


@dataclass(frozen=True, slots=True)
class _Change:
    version: int
    resource: Resource
    old: Document | None
    new: Document | None


@dataclass(slots=True)
class _Watch:
    resource: Resource
    selects: Callable[[Document], bool]
    changes: deque[_Change | bytes | Exception | None] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, what: _Change | bytes | Exception | None) -> None:
        self.changes.append(what)
        self.arrived.set()


@dataclass(slots=True)
class _Failure:
    method: str
    path: re.Pattern[str]
    error: Exception
    times: int


class FakeApi:
    """A Transport that answers by itself."""

    def __init__(self, clock: Clock | None = None):
        self.clock: Clock = clock or ManualClock()
        self.requests: list[Asked] = []
        self.unreachable = False
        self.users: dict[str, Document] = {}  # token -> status.user of its TokenReview
        self.allows: Callable[[Document], bool] = lambda spec: True  # decides SubjectAccessReviews by their spec
        self._objects: dict[Resource, dict[tuple[str, str], Document]] = {}
        self._history: list[_Change] = []
        self._version = 1
        self._compacted = 0
        self._watches: list[_Watch] = []
        self._failures: list[_Failure] = []

    # What a test does to the cluster behind the component's back.

    def add(self, obj: T) -> T:
        """Create an object."""
        target = self._target_of(obj)
        return from_document(self._create(target, to_document(obj)), type(obj))

    def update(self, obj: T) -> T:
        """Replace an object, status included, whatever version it has."""
        target = self._target_of(obj)
        document = to_document(obj)
        document["metadata"].pop("resourceVersion", None)
        return from_document(self._write(target, self._existing(target), document), type(obj))

    def remove(self, type_: type[Any], name: str, namespace: str = "") -> None:
        """Make an object disappear at once."""
        target = _Target(resource_of(type_), namespace, name, "")
        self._record(target, self._existing(target), None)

    def get(self, type_: type[T], name: str, namespace: str = "") -> T | None:
        document = self._objects.get(resource_of(type_), {}).get((namespace, name))
        return from_document(document, type_) if document is not None else None

    def fail(self, error: Exception, *, method: str = "", path: str = "", times: int = 1) -> None:
        """Answer the next `times` requests of this method and path (a regular expression) with `error`."""
        self._failures.append(_Failure(method, re.compile(path), error, times))

    def heal(self) -> None:
        """Forget every failure that was told."""
        self._failures.clear()

    def break_watches(self) -> None:
        """Cut every open watch, as a lost connection does."""
        self._send_all(Unreachable("connection reset"))

    def end_watches(self) -> None:
        """End every open watch, as a server does after some minutes."""
        self._send_all(None)

    def compact(self) -> None:
        """Forget history: a watch from before now gets 410 Expired."""
        self._history.clear()
        self._compacted = self._version

    def bookmark(self) -> None:
        """Tell every watcher the newest resource version."""
        for watch in self._watches:
            bookmark = {
                "apiVersion": watch.resource.api_version,
                "kind": watch.resource.kind,
                "metadata": {"resourceVersion": str(self._version)},
            }
            watch.send(encode({"type": "BOOKMARK", "object": bookmark}))

    def writes(self) -> list[Asked]:
        """Return the requests that were not reads."""
        return [asked for asked in self.requests if asked.method != "GET"]

    def list(self, type_: type[T], namespace: str = "") -> list[T]:
        """Return the objects by namespace and name."""
        objects = sorted(self._objects.get(resource_of(type_), {}).items())
        return [from_document(document, type_) for (where, _), document in objects if namespace in ("", where)]

    @property
    def watching(self) -> int:
        """How many watches are open."""
        return len(self._watches)

    # Transport

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        await asyncio.sleep(0)
        asked = Asked(method, path, dict(query), msgspec.json.decode(body) if body else None, content_type)
        self.requests.append(asked)
        try:
            self._fail_if_told(method, path)
            status, document = self._answer(asked)
        except StatusError as error:
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
            return Response(error.code, headers, encode(error.to_status()))
        return Response(status, {"Content-Type": JSON}, encode(document))

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, query: Query = (), headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        await asyncio.sleep(0)
        asked = Asked(method, path, dict(query))
        self.requests.append(asked)
        self._fail_if_told(method, path)
        target = self._parse(path)
        watch = _Watch(target.resource, _selection(target, asked.query))
        since = int(asked.query.get("resourceVersion") or self._version)
        if since < self._compacted:
            raise Expired(f"too old resource version: {since} ({self._compacted})")
        for change in self._history:
            if change.version > since and change.resource is target.resource:
                watch.send(change)
        self._watches.append(watch)
        try:
            yield _events(watch)
        finally:
            if watch in self._watches:
                self._watches.remove(watch)

    async def close(self) -> None:
        self.end_watches()

    # Verbs

    def _answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.path in ("/api", "/apis"):
            return 200, {"versions": [], "groups": []}  # who asks what is served besides the built-in kinds: nothing
        if reviewed := self._review(asked):
            return 201, reviewed
        target = self._parse(asked.path)
        match asked.method, bool(target.name):
            case "GET", True:
                return 200, self._existing(target)
            case "GET", False:
                return 200, self._list(target, asked.query)
            case "POST", False:
                return 201, self._create(target, asked.body)
            case "POST", True:
                return 201, self._create_subresource(target, asked.body)
            case "PUT", _:
                return 200, self._update(target, asked.body)
            case "PATCH", _:
                return self._patch(target, asked)
            case "DELETE", True:
                return 200, self._delete(target, asked.body or {})
            case "DELETE", False:
                return 200, self._delete_collection(target, asked)
        raise BadRequest(f"the fake does not know {asked.method} {asked.path}")

    def _review(self, asked: Asked) -> Document | None:
        spec = (asked.body or {}).get("spec", {}) if isinstance(asked.body, dict) else {}
        if asked.path.endswith("/tokenreviews"):
            user = self.users.get(spec.get("token", ""))
            return {**asked.body, "status": {"authenticated": user is not None, **({"user": user} if user else {})}}
        if asked.path.endswith("/subjectaccessreviews"):
            return {**asked.body, "status": {"allowed": self.allows(spec)}}
        return None

    def _list(self, target: _Target, query: Mapping[str, str]) -> Document:
        selects = _selection(target, query)
        found = [doc for _, doc in sorted(self._objects.get(target.resource, {}).items()) if selects(doc)]
        return {
            "apiVersion": target.resource.api_version,
            "kind": f"{target.resource.kind}List",
            "metadata": {"resourceVersion": str(self._version)},
            "items": found,
        }

    def _create(self, target: _Target, body: Document) -> Document:
        document = copy.deepcopy(body)
        meta = document.setdefault("metadata", {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = f"{meta['generateName']}{self._version:05d}"
        if target.resource.namespaced:
            meta["namespace"] = target.namespace or meta.get("namespace", "")
        target = _Target(target.resource, meta.get("namespace", ""), meta["name"], "")
        if (target.namespace, target.name) in self._objects.get(target.resource, {}):
            raise already_exists(target.resource, target.name)
        meta.setdefault("uid", f"uid-{self._version + 1}")
        meta.setdefault("creationTimestamp", format_time(self.clock.now()))
        if "spec" in document:
            meta.setdefault("generation", 1)
        return self._record(target, None, document)

    def _create_subresource(self, target: _Target, body: Document) -> Document:
        existing = copy.deepcopy(self._existing(target))
        match target.subresource:
            case "binding":
                if existing.get("spec", {}).get("nodeName"):
                    raise conflict(target.resource, target.name, f"pod {target.name} is already assigned to node")
                condition = {"type": "PodScheduled", "status": "True"}
                patch = {"spec": {"nodeName": body["target"]["name"]}, "status": {"conditions": [condition]}}
                self._record(target, self._existing(target), strategic_patch(existing, patch))
                return _success(201)
            case "eviction":
                self._delete(target, body.get("deleteOptions") or {})
                return _success(201)
            case "token":
                lifetime = timedelta(seconds=body.get("spec", {}).get("expirationSeconds") or 3600)
                expires = format_time(self.clock.now() + lifetime)
                return {**body, "status": {"token": f"token-of-{target.name}", "expirationTimestamp": expires}}
        raise NotFound(f"the fake does not know subresource {target.subresource}")

    def _update(self, target: _Target, body: Document) -> Document:
        existing = self._existing(target)
        expected = body.get("metadata", {}).get("resourceVersion")
        if expected and expected != existing["metadata"]["resourceVersion"]:
            raise conflict(target.resource, target.name)
        return self._write(target, existing, _of_subresource(target, existing, body))

    def _patch(self, target: _Target, asked: Asked) -> tuple[int, Document]:
        existing = self._objects.get(target.resource, {}).get((target.namespace, target.name))
        if existing is None:
            if "apply" not in asked.content_type:
                raise not_found(target.resource, target.name)
            return 201, self._create(target, asked.body)
        expected = asked.body.get("metadata", {}).get("resourceVersion") if isinstance(asked.body, dict) else None
        if expected and expected != existing["metadata"]["resourceVersion"]:
            raise conflict(target.resource, target.name)
        try:
            changed = _patched(existing, asked)
        except (ValueError, KeyError, IndexError) as error:
            raise BadRequest(str(error)) from error
        return 200, self._write(target, existing, _of_subresource(target, existing, changed))

    def _write(self, target: _Target, existing: Document, document: Document) -> Document:
        changed = copy.deepcopy(document)
        for kept in ("uid", "creationTimestamp", "resourceVersion", "generation", "deletionTimestamp"):
            changed["metadata"].pop(kept, None)
            if kept in existing["metadata"]:
                changed["metadata"][kept] = existing["metadata"][kept]
        if changed.get("spec") != existing.get("spec"):
            changed["metadata"]["generation"] = existing["metadata"].get("generation", 0) + 1
        if changed == existing:
            return existing  # a write that changes nothing takes no version
        if changed["metadata"].get("deletionTimestamp") and not changed["metadata"].get("finalizers"):
            waits_for_node = changed.get("spec", {}).get("nodeName") and target.resource.kind == "Pod"
            if not waits_for_node:
                self._record(target, existing, None)
                return changed
        return self._record(target, existing, changed)

    def _delete(self, target: _Target, options: Document) -> Document:
        existing = self._existing(target)
        expected = options.get("preconditions") or {}
        for wanted, name in ((expected.get("uid"), "uid"), (expected.get("resourceVersion"), "resourceVersion")):
            if wanted and wanted != existing["metadata"][name]:
                raise conflict(target.resource, target.name, f"the {name} in the precondition does not match")
        grace = options.get("gracePeriodSeconds", existing.get("spec", {}).get("terminationGracePeriodSeconds", 30))
        on_a_node = target.resource.kind == "Pod" and existing.get("spec", {}).get("nodeName")
        if not existing["metadata"].get("finalizers") and not (on_a_node and grace):
            self._record(target, existing, None)
            return _success(200)
        marked = copy.deepcopy(existing)
        marked["metadata"].setdefault("deletionTimestamp", format_time(self.clock.now()))
        if on_a_node:
            marked["metadata"]["deletionGracePeriodSeconds"] = grace
        return self._record(target, existing, marked) if marked != existing else existing

    def _delete_collection(self, target: _Target, asked: Asked) -> Document:
        for found in self._list(target, asked.query)["items"]:
            meta = found["metadata"]
            self._delete(_Target(target.resource, meta.get("namespace", ""), meta["name"], ""), asked.body or {})
        return _success(200)

    # The log

    def _record(self, target: _Target, old: Document | None, new: Document | None) -> Document:
        self._version += 1
        objects = self._objects.setdefault(target.resource, {})
        if new is None:
            del objects[target.namespace, target.name]
            old = copy.deepcopy(old) or {}
            old["metadata"]["resourceVersion"] = str(self._version)
        else:
            new = {"apiVersion": target.resource.api_version, "kind": target.resource.kind, **new}
            new["metadata"] = {**new["metadata"], "resourceVersion": str(self._version)}
            objects[target.namespace, target.name] = new
        change = _Change(self._version, target.resource, old, new)
        self._history.append(change)
        for watch in self._watches:
            if watch.resource is target.resource:
                watch.send(change)
        return new if new is not None else old or {}

    def _existing(self, target: _Target) -> Document:
        try:
            return self._objects.get(target.resource, {})[target.namespace, target.name]
        except KeyError:
            raise not_found(target.resource, target.name) from None

    def _target_of(self, obj: Any) -> _Target:
        return _Target(resource_of(type(obj)), obj.metadata.namespace, obj.metadata.name, "")

    def _parse(self, path: str) -> _Target:
        match = _PATH.match(unquote(path))
        if match is not None and match["plural"] in ("status", "finalize"):  # of a namespace itself
            return _Target(resource_of(Namespace), "", match["namespace"], match["plural"])
        resource = BY_PATH.get((match["group"] or "", match["version"], match["plural"])) if match else None
        if match is None or resource is None:
            raise NotFound("the server could not find the requested resource")
        return _Target(resource, match["namespace"] or "", match["name"] or "", match["subresource"] or "")

    def _send_all(self, what: Exception | None) -> None:
        watches, self._watches = self._watches, []
        for watch in watches:
            watch.send(what)

    def _fail_if_told(self, method: str, path: str) -> None:
        if self.unreachable:
            raise Unreachable(f"{method} {path}: connection refused")
        for failure in self._failures:
            if failure.times and failure.method in ("", method) and failure.path.search(path):
                failure.times -= 1
                raise failure.error


def _selection(target: _Target, query: Mapping[str, str]) -> Callable[[Document], bool]:
    labels = parse_label_selector(query.get("labelSelector", ""))
    fields = parse_field_selector(query.get("fieldSelector", ""))

    def selects(document: Document) -> bool:
        meta = document["metadata"]
        return (
            target.namespace in ("", meta.get("namespace", ""))
            and labels.matches(meta.get("labels") or {})
            and fields.matches({term.field: field_at(document, term.field) for term in fields.terms})
        )

    return selects


async def _events(watch: _Watch) -> AsyncIterator[bytes]:
    while True:
        while watch.changes:
            what = watch.changes.popleft()
            if what is None:
                return
            if isinstance(what, Exception):
                raise what
            line = what if isinstance(what, bytes) else _event(watch, what)
            if line:
                yield line
        watch.arrived.clear()
        await watch.arrived.wait()


def _event(watch: _Watch, change: _Change) -> bytes:
    """What a watcher sees of a change: an object that leaves its selection is deleted, one that enters is added."""
    before = change.old is not None and watch.selects(change.old)
    after = change.new is not None and watch.selects(change.new)
    if after:
        return encode({"type": "MODIFIED" if before else "ADDED", "object": change.new})
    if before and change.old is not None:
        gone = copy.deepcopy(change.old)
        gone["metadata"]["resourceVersion"] = str(change.version)
        return encode({"type": "DELETED", "object": gone})
    return b""


def _of_subresource(target: _Target, existing: Document, body: Document) -> Document:
    """Return what a write may change: the status subresource the status, the object itself all but the status."""
    if target.subresource in ("status", "approval"):
        # Annotations go through this door too: Deployments get their revision that way.
        metadata = {**existing["metadata"], "annotations": body.get("metadata", {}).get("annotations") or {}}
        if not metadata["annotations"]:
            del metadata["annotations"]
        return {**existing, "metadata": metadata, **({"status": body["status"]} if "status" in body else {})}
    if "status" in target.resource.subresources and not target.subresource:
        status = {"status": existing["status"]} if "status" in existing else {}
        return {**{key: value for key, value in body.items() if key != "status"}, **status}
    return body


def _patched(existing: Document, asked: Asked) -> Document:
    if "json-patch" in asked.content_type:
        return json_patch(existing, asked.body)
    patch: Any = strategic_patch if "strategic" in asked.content_type or "apply" in asked.content_type else merge_patch
    changed: Document = patch(existing, asked.body)
    return changed


def _success(code: int) -> Document:
    return {"apiVersion": "v1", "kind": "Status", "status": "Success", "code": code}
