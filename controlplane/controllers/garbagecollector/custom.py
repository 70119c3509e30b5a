"""Follows the kinds that this program has no type of: custom resources, for as long as discovery shows them.

A definition that changes is the sign to ask discovery again; besides that it is asked now and then, for what other
servers add.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.custom import CustomResource
from controlplane.api.resources import RESOURCES
from controlplane.api.status import StatusError
from controlplane.client.client import Client
from controlplane.client.informer import Informer
from controlplane.client.transport import Unreachable
from controlplane.controllers.discovery import Discovery, ServedResource
from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

_EVERY = 30.0  # seconds between looks at discovery, as upstream's
_BUILT_IN = frozenset((one.group, one.plural) for one in RESOURCES)
_NEEDED = frozenset({"delete", "list", "watch"})

Changed = Callable[[ServedResource, CustomResource | None, CustomResource | None], None]
"""changed(resource, old, new): None for what was not there before or is gone now."""


@dataclass(slots=True)
class _Followed:
    informer: Informer[CustomResource]
    task: asyncio.Task[None]


class CustomKinds:
    """One informer for each custom resource that is served."""

    def __init__(self, client: Client, discovery: Discovery, clock: Clock, random: Random, changed: Changed):
        self._client, self._discovery, self._clock, self._random = client, discovery, clock, random
        self._changed = changed
        self._followed: dict[ServedResource, _Followed] = {}
        self._wake = asyncio.Event()
        self._first = asyncio.Event()

    def definition_changed(self, old: CustomResourceDefinition | None, new: CustomResourceDefinition | None) -> None:
        """Look again soon; an informer of definitions calls this."""
        self._wake.set()

    async def synced(self) -> None:
        """Return once everything that was served at first is known."""
        await self._first.wait()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                try:
                    served = await self._discovery.served(fresh=True)
                except (StatusError, Unreachable):
                    _log.warning("what is served cannot be found out; trying again", exc_info=True)
                else:
                    self._follow(tasks, served.resources, complete=not served.failures)
                    for one in list(self._followed.values()):
                        await one.informer.synced()
                    self._first.set()
                await self._changed_or_late()

    async def _changed_or_late(self) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(_EVERY))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    def _follow(self, tasks: asyncio.TaskGroup, served: Iterable[ServedResource], *, complete: bool) -> None:
        wanted = {one for one in served if (one.group, one.plural) not in _BUILT_IN and one.verbs >= _NEEDED}
        for resource in wanted - self._followed.keys():
            informer = Informer(self._client, self._clock, self._random, CustomResource, path=resource.path())
            informer.on_change(partial(self._changed, resource))
            self._followed[resource] = _Followed(informer, tasks.create_task(informer.run()))
        for resource in list(self._followed.keys() - wanted) if complete else ():
            gone = self._followed.pop(resource)
            gone.task.cancel()
            for obj in gone.informer.lister.list():
                self._changed(resource, obj, None)
