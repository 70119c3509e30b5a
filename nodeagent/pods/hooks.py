"""Lifecycle hooks: what a container asks to be done right after it started, and before it is stopped."""

from __future__ import annotations

from typing import Protocol

import aiohttp

from controlplane.api.core_v1 import Container, EphemeralContainer, LifecycleHandler
from controlplane.kit.clock import Clock
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.records import ExecResult
from nodeagent.probes.target import PortNotFound, http_target

_HTTP_SECONDS = 30.0
_SHOWN = 512  # characters of a command's output


class HookFailed(Exception):
    """A hook did not succeed; what it said."""


class Executor(Protocol):
    """Runs a command in a container."""

    async def exec_sync(self, container_id: str, command: list[str], timeout: float = 0) -> ExecResult: ...


class Hooks:
    """Runs hooks."""

    def __init__(self, runtime: Executor, clock: Clock):
        self._runtime, self._clock = runtime, clock

    async def run(
        self, handler: LifecycleHandler, container: Container | EphemeralContainer, container_id: str, pod_ip: str
    ) -> None:
        """Run one hook to its end. Raises HookFailed."""
        if handler.exec is not None:
            await self._exec(handler.exec.command, container_id)
        elif handler.http_get is not None:
            await self._http_get(handler, container, pod_ip)
        elif handler.sleep is not None:
            await self._clock.sleep(handler.sleep.seconds or 0)

    async def _exec(self, command: list[str], container_id: str) -> None:
        try:
            result = await self._runtime.exec_sync(container_id, command)
        except RuntimeFailure as error:
            raise HookFailed(str(error)) from error
        if result.exit_code:
            said = (result.stdout + result.stderr).decode(errors="replace")[:_SHOWN]
            raise HookFailed(f"command '{' '.join(command)}' exited with {result.exit_code}: {said}")

    async def _http_get(
        self, handler: LifecycleHandler, container: Container | EphemeralContainer, pod_ip: str
    ) -> None:
        assert handler.http_get is not None
        try:
            url, headers = http_target(handler.http_get, container, pod_ip)
            timeout = aiohttp.ClientTimeout(total=_HTTP_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, headers=headers, ssl=False) as answer,
            ):
                if answer.status >= 400:
                    raise HookFailed(f"{url} answered with status {answer.status}")
        except (aiohttp.ClientError, TimeoutError, PortNotFound) as error:
            raise HookFailed(str(error) or type(error).__name__) from error
