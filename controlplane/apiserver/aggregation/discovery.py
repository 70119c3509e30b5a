"""Discovery of everything behind this address: our own, and what extension servers said of theirs.

/apis, plain or all at once         groups of all servers, in the order that APIServices ask for
/apis/metrics.k8s.io                a group of which somebody else serves a version
/apis/metrics.k8s.io/v1beta1        not here: passed on like any request
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec
from multidict import CIMultiDict

from controlplane.api.codec import Document, encode
from controlplane.apiserver.aggregation.aggregator import GroupVersion
from controlplane.apiserver.aggregation.priorities import Order
from controlplane.apiserver.messages import Page, Request, Response

_CURRENT, _STALE = "Current", "Stale"


class MergedDiscovery:
    """Answers for the groups of all servers; while there are only our own, `local` answers."""

    def __init__(self, local: Page, order: Callable[[], Order]):
        self._local, self._order = local, order
        self._kept: frozenset[GroupVersion] = frozenset()
        self._entries: dict[GroupVersion, Document] = {}
        self._merged: dict[tuple[str, str], tuple[bytes, bytes]] = {}  # path, media type: made of which bytes, and what

    def put(self, remote: GroupVersion, entry: Document | None, *, stale: bool) -> None:
        """Take in what a server said of a group version; None: it has never said anything.

        A server that was asked before its APIService went answers after that: too late.
        """
        if remote not in self._kept:
            return
        self._entries[remote] = {
            **(entry or {"version": remote[1]}),
            "freshness": _STALE if stale else _CURRENT,
        }
        self._merged.clear()

    def keep(self, remotes: Iterable[GroupVersion]) -> None:
        """Forget group versions that no other server serves any more, and the order of before."""
        self._kept = frozenset(remotes)
        self._entries = {key: entry for key, entry in self._entries.items() if key in self._kept}
        self._merged.clear()

    async def answer(self, request: Request) -> Response | None:
        """Answer a GET of a discovery path; None for any other path."""
        path = request.path.rstrip("/")
        if not self._entries or not (path == "/apis" or path.startswith("/apis/")):
            return await self._local(request)
        if path == "/apis":
            return await self._answer_groups(request)
        group = path.removeprefix("/apis/")
        if not any(group == one for one, _ in self._entries):
            return await self._local(request)
        return self._answer_group(group, await self._local(_in_json(request)))

    async def _answer_groups(self, request: Request) -> Response | None:
        local = await self._local(_fresh(request))
        if local is None:
            return None
        if local.content_type == "application/yaml":
            local = await self._local(_in_json(request)) or local
        key = ("/apis", local.content_type)
        known = self._merged.get(key)
        if known is None or known[0] is not local.body:
            merge = merged_items if "APIGroupDiscoveryList" in local.content_type else merged_groups
            body = encode(merge(msgspec.json.decode(local.body), self._entries, self._order()))
            known = self._merged[key] = local.body, body
        body = known[1]
        headers = dict(local.headers)
        if "ETag" in headers:
            headers["ETag"] = f'"{hashlib.sha512(body).hexdigest().upper()}"'
            if request.headers.get("If-None-Match") == headers["ETag"]:
                return Response(304, b"", local.content_type, headers)
        return Response(200, body, local.content_type, headers)

    def _answer_group(self, group: str, local: Response | None) -> Response:
        ours = msgspec.json.decode(local.body) if local is not None else {"name": group, "versions": []}
        merged = merged_group(ours, [version for name, version in self._entries if name == group], self._order())
        return Response(200, encode({"kind": "APIGroup", "apiVersion": "v1", **merged}))


def merged_items(document: Document, entries: Mapping[GroupVersion, Document], order: Order) -> Document:
    """Return an APIGroupDiscoveryList with the entries of other servers in it."""
    groups: dict[str, Document] = {group["metadata"]["name"]: dict(group) for group in document["items"]}
    for (group, version), entry in entries.items():
        item = groups.setdefault(group, {"metadata": {"name": group, "creationTimestamp": None}, "versions": []})
        item["versions"] = [*(one for one in item["versions"] if one["version"] != version), entry]
    for name, item in groups.items():
        by_version = {one["version"]: one for one in item["versions"]}
        item["versions"] = [by_version[version] for version in order.sorted_versions(name, by_version)]
    return {**document, "items": [groups[name] for name in sorted(groups, key=order.group_key)]}


def merged_groups(document: Document, remotes: Iterable[GroupVersion], order: Order) -> Document:
    """Return an APIGroupList with the group versions of other servers in it."""
    groups: dict[str, Document] = {group["name"]: group for group in document["groups"]}
    versions: dict[str, list[str]] = {}
    for group, version in remotes:
        versions.setdefault(group, []).append(version)
    for group, theirs in versions.items():
        groups[group] = merged_group(groups.get(group, {"name": group, "versions": []}), theirs, order)
    return {**document, "groups": [groups[name] for name in sorted(groups, key=order.group_key)]}


def merged_group(ours: Document, theirs: Sequence[str], order: Order) -> Document:
    """Return a group with its versions in order, the first of which is preferred."""
    name = ours["name"]
    versions = order.sorted_versions(name, {*(one["version"] for one in ours["versions"]), *theirs})
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _fresh(request: Request) -> Request:
    """Return the request without what it knows already: our own part unchanged says nothing of the whole."""
    headers = CIMultiDict(request.headers)
    headers.pop("If-None-Match", None)
    return replace(request, headers=headers)


def _in_json(request: Request) -> Request:
    return replace(request, headers=CIMultiDict({"Accept": "application/json"}))
