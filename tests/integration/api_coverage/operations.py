"""What upstream v1.37 serves: every path and method that its generated Python client knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import kubernetes

_CALL = re.compile(r"method='(\w+)',\s*resource_path='([^']+)'")
_ON_COLLECTION = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_ON_OBJECT = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_ORDER = ("create", "get", "list", "update", "patch", "delete", "deletecollection", "connect")


@dataclass(frozen=True, slots=True, order=True)
class Operation:
    """One method on one path; the path has upstream's placeholders, such as {name}."""

    group_version: str  # v1, apps/v1
    resource: str  # pods, pods/log
    verb: str
    method: str
    path: str

    @property
    def stable(self) -> bool:
        return "alpha" not in self.group_version and "beta" not in self.group_version

    @property
    def example(self) -> str:
        """The path of an object that nobody made."""
        return self.path.replace("{namespace}", "default").replace("{name}", "nothing").replace("{path}", "a")


def operations() -> list[Operation]:
    """Return all of v1.37, in order."""
    files = (Path(kubernetes.__file__).parent / "client/api").glob("*_api.py")
    found = {one for file in files for one in _operations(file.read_text())}
    return sorted(found, key=lambda one: ("/" in one.group_version, one))


def _operations(source: str) -> Iterator[Operation]:
    for method, path in _CALL.findall(source):
        parts = path.strip("/").split("/")
        head = 2 if parts[0] == "api" else 3
        if parts[0] not in ("api", "apis") or len(parts) <= head or "{group}" in parts:
            continue  # discovery, logs, version; custom resources
        rest = parts[head:]
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
        resource, *below = rest
        subresource = below[1] if len(below) > 1 else ""
        name = f"{resource}/{subresource}" if subresource else resource
        yield Operation("/".join(parts[1:head]), name, _verb(method, bool(below), subresource), method, path)


def _verb(method: str, one: bool, subresource: str) -> str:
    if subresource in ("attach", "exec", "portforward", "proxy"):
        return "connect"
    return (_ON_OBJECT if one else _ON_COLLECTION).get(method, method.lower())


def in_order(verbs: set[str]) -> list[str]:
    return sorted(verbs, key=_ORDER.index)
