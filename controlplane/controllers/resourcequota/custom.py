"""Follows custom resources that a quota counts, for as long as they are served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from controlplane.api.custom import CustomResource
from controlplane.client.client import Client
from controlplane.client.informer import Informer
from controlplane.controllers.discovery import Discovery
from controlplane.kit.clock import Clock

Kind = tuple[str, str]
"""Group and plural."""


@dataclass(slots=True)
class _Followed:
    informer: Informer[CustomResource]
    task: asyncio.Task[None]


class CustomKinds:
    """One informer for each kind that somebody asked for; `gone(kind, namespace)` is told of objects that went."""

    def __init__(self, client: Client, clock: Clock, random: Random, gone: Callable[[Kind, str], None]):
        self._client, self._clock, self._random, self._gone = client, clock, random, gone
        self._discovery = Discovery(client, clock)
        self._followed: dict[Kind, _Followed] = {}

    async def follow(self, kind: Kind, tasks: asyncio.TaskGroup) -> Informer[CustomResource] | None:
        """Return the informer of a kind, running; None if nothing of that kind is served. Raises StatusError."""
        if kind not in self._followed:
            served = await self._discovery.served()
            found = next((one for one in served.resources if (one.group, one.plural) == kind and one.namespaced), None)
            if found is None:
                return None
            # Somebody else may have been faster while discovery was asked.
            if kind not in self._followed:
                informer = Informer(self._client, self._clock, self._random, CustomResource, path=found.path())
                informer.on_change(lambda old, new: self._changed(kind, old, new))
                self._followed[kind] = _Followed(informer, tasks.create_task(informer.run()))
        return self._followed[kind].informer

    def _changed(self, kind: Kind, old: CustomResource | None, new: CustomResource | None) -> None:
        if new is None and old is not None:
            self._gone(kind, old.metadata.namespace)

    async def forget_unserved(self) -> None:
        """Stop following what is served no more. Raises StatusError."""
        served = await self._discovery.served(fresh=True) if self._followed else None
        if served is None or served.failures:
            return
        kinds = {(one.group, one.plural) for one in served.resources}
        for kind in [kind for kind in self._followed if kind not in kinds]:
            self._followed.pop(kind).task.cancel()
