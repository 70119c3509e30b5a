"""Which resources the API serves, custom ones too: what namespace deletion and garbage collection work on.

GET /api, /apis         ─► groups and their preferred versions
GET /api/v1, /apis/g/v  ─► resources with their verbs; subresources ("pods/log") are left out
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from controlplane.api.status import StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock

# Seconds for which an answer is good: new kinds are rare, asking takes a request per group.
_GOOD_FOR = 30.0


@dataclass(frozen=True, slots=True)
class ServedResource:
    """One resource as discovery describes it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the URL path of the collection or of an object."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        return "/".join(part for part in [*parts, self.plural, name] if part)


@dataclass(frozen=True, slots=True)
class Served:
    """All resources, and the groups that did not answer."""

    resources: tuple[ServedResource, ...]
    failures: tuple[str, ...] = ()


class Discovery:
    """Asks the server, and remembers the answer for a while."""

    def __init__(self, client: Client, clock: Clock):
        self._client, self._clock = client, clock
        self._served: Served | None = None
        self._asked_at = 0.0

    async def served(self, *, fresh: bool = False) -> Served:
        """Return what is served. Raises StatusError or Unreachable if the server does not say even its groups."""
        now = self._clock.monotonic()
        if self._served is None or fresh or now - self._asked_at > _GOOD_FOR:
            served = await self._ask()
            if served.failures:
                return served  # not worth remembering: the group may answer the next time
            self._served, self._asked_at = served, now
        return self._served

    async def _ask(self) -> Served:
        resources: list[ServedResource] = []
        failures: list[str] = []
        for group, version in await self._group_versions():
            path = f"/apis/{group}/{version}" if group else f"/api/{version}"
            try:
                answer = await self._get(path)
            except (StatusError, Unreachable) as error:
                failures.append(f"{group}/{version}: {error}" if group else f"{version}: {error}")
                continue
            resources += _resources(group, version, answer.get("resources") or [])
        return Served(tuple(resources), tuple(failures))

    async def _group_versions(self) -> list[tuple[str, str]]:
        core = await self._get("/api")
        groups = await self._get("/apis")
        preferred = [
            (group["name"], (group.get("preferredVersion") or group["versions"][0])["version"])
            for group in groups.get("groups") or []
        ]
        return [("", version) for version in core.get("versions") or []] + preferred

    async def _get(self, path: str) -> dict[str, Any]:
        document: dict[str, Any] = msgspec.json.decode((await self._client.request("GET", path)).body)
        return document


def _resources(group: str, version: str, listed: Iterable[dict[str, Any]]) -> Iterable[ServedResource]:
    for one in listed:
        if "/" not in one["name"]:
            yield ServedResource(
                group=one.get("group") or group,
                version=one.get("version") or version,
                plural=one["name"],
                kind=one["kind"],
                namespaced=bool(one.get("namespaced")),
                verbs=frozenset(one.get("verbs") or ()),
            )
