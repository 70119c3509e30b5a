"""What extension servers say they serve: asked in the new form, all at once, and else in the old one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from controlplane.api.codec import Document
from controlplane.apiserver.aggregation.remote import Caller, Remote, Told
from controlplane.apiserver.proxying.dialer import Unreachable

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_SECONDS = 5.0
_KIND = ("g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList")

GroupVersion = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Discovered:
    """The entries of a server by group version, and the ETag under which it gave them."""

    entries: Mapping[GroupVersion, Document] = field(default_factory=dict)
    etag: str = ""


async def discover(caller: Caller, remote: Remote, known: Discovered | None) -> Discovered:
    """Return what a server serves now; `known` is what it said before. Raises Unreachable."""
    etag = known.etag if known else ""
    told = await caller.get(remote, "/apis", seconds=_SECONDS, accept=f"{_AGGREGATED},application/json", etag=etag)
    if told.status == 304 and known is not None:
        return known
    if told.status == 503:
        raise Unreachable("the server answered 503 to /apis")
    if told.status == 200 and _is_aggregated(told.headers.get("Content-Type", "")):
        return Discovered(aggregated_entries(_document(told)), told.headers.get("ETag", ""))
    return await _discover_one(caller, remote)


async def _discover_one(caller: Caller, remote: Remote) -> Discovered:
    told = await caller.get(remote, remote.path, seconds=_SECONDS, accept="application/json")
    if told.status != 200:
        raise Unreachable(f"the server answered {told.status} to {remote.path}")
    entry = {"version": remote.version, "resources": from_resource_list(_document(told), remote.group, remote.version)}
    return Discovered({(remote.group, remote.version): entry})


def _is_aggregated(content_type: str) -> bool:
    parameters = {part.strip() for part in content_type.split(";")}
    return parameters.issuperset(_KIND)


def _document(told: Told) -> Document:
    try:
        document: Document = msgspec.json.decode(told.body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Unreachable(f"the server's discovery is not JSON: {error}") from error
    return document


def aggregated_entries(document: Document) -> dict[GroupVersion, Document]:
    """Return the versions of an APIGroupDiscoveryList by group and version."""
    entries: dict[GroupVersion, Document] = {}
    for group in _dicts(document.get("items")):
        name = (group.get("metadata") or {}).get("name", "")
        for version in _dicts(group.get("versions")):
            entries[name, version.get("version", "")] = version
    return entries


def from_resource_list(document: Document, group: str, version: str) -> list[Document]:
    """Return an APIResourceList's resources in the new form, subresources inside what they belong to."""
    found: dict[str, Document] = {}
    resources = list(_dicts(document.get("resources")))
    for one in resources:
        if not one.get("name") or "/" in one["name"]:
            continue
        entry: Document = {
            "resource": one["name"],
            "responseKind": _kind(one, group, version),
            "scope": "Namespaced" if one.get("namespaced") else "Cluster",
            "singularResource": one.get("singularName", ""),
            "verbs": one.get("verbs", []),
        }
        for name in ("shortNames", "categories"):
            if one.get(name):
                entry[name] = one[name]
        found[one["name"]] = entry
    for one in resources:
        parent, slash, name = one.get("name", "").partition("/")
        if slash and parent in found:
            entry = {"subresource": name, "responseKind": _kind(one, group, version), "verbs": one.get("verbs", [])}
            found[parent].setdefault("subresources", []).append(entry)
    return list(found.values())


def _kind(resource: Document, group: str, version: str) -> Document:
    return {
        "group": resource.get("group") or group,
        "version": resource.get("version") or version,
        "kind": resource.get("kind", ""),
    }


def _dicts(value: Any) -> Sequence[Document]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else ()
