"""Asks the runtime about one pod, remembering what cannot change any more."""

from __future__ import annotations

from dataclasses import replace

from nodeagent.cri.errors import NotFound
from nodeagent.cri.records import POD_UID, Container, Sandbox, State
from nodeagent.cri.runtime import Runtime
from nodeagent.pods.state import PodRuntime


class Observer:
    """The view of one pod."""

    def __init__(self, runtime: Runtime, uid: str):
        self._runtime, self._selector = runtime, {POD_UID: uid}
        self._addresses: dict[str, tuple[str, ...]] = {}  # by sandbox id: given once, at its start
        self._ended: dict[str, Container] = {}  # by container id: an end is final

    async def observe(self) -> PodRuntime:
        """Return the pod's sandboxes and containers as they are now. Raises RuntimeFailure."""
        sandboxes = [await self._with_addresses(one) for one in await self._runtime.list_sandboxes(self._selector)]
        listed = await self._runtime.list_containers(self._selector)
        containers = [found for one in listed if (found := await self._in_full(one)) is not None]
        self._forget(sandboxes, containers)
        return PodRuntime(
            tuple(sorted(sandboxes, key=lambda one: (one.attempt, one.created_at), reverse=True)),
            tuple(sorted(containers, key=lambda one: (one.created_at, one.attempt), reverse=True)),
        )

    async def _with_addresses(self, sandbox: Sandbox) -> Sandbox:
        if sandbox.ready and sandbox.id not in self._addresses:
            try:
                self._addresses[sandbox.id] = (await self._runtime.sandbox_status(sandbox.id)).ips
            except NotFound:
                return replace(sandbox, ready=False)
        return replace(sandbox, ips=self._addresses.get(sandbox.id, ()))

    async def _in_full(self, listed: Container) -> Container | None:
        known = self._ended.get(listed.id)
        if known is not None:
            return known
        try:
            status = await self._runtime.container_status(listed.id)
        except NotFound:
            return None
        found = replace(status, sandbox_id=listed.sandbox_id)
        if found.state is State.EXITED:
            self._ended[found.id] = found
        return found

    def _forget(self, sandboxes: list[Sandbox], containers: list[Container]) -> None:
        kept, ids = {one.id for one in containers}, {one.id for one in sandboxes}
        self._ended = {id_: one for id_, one in self._ended.items() if id_ in kept}
        self._addresses = {id_: one for id_, one in self._addresses.items() if id_ in ids}
