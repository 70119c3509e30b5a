"""Asks a container once: by a command in it, HTTP, TCP or gRPC."""

from __future__ import annotations

import asyncio
import os
from typing import Protocol

import aiohttp

from controlplane.api.core_v1 import Container, Probe
from controlplane.kit.clock import Clock
from nodeagent.cri.errors import RuntimeFailure, TimedOut
from nodeagent.cri.records import ExecResult
from nodeagent.probes.target import PortNotFound, http_target, port_number
from nodeagent.probes.verdict import Outcome

_SHOWN = 10 * 1024  # bytes of an answer that are kept


class Executor(Protocol):
    """Runs a command in a container."""

    async def exec_sync(self, container_id: str, command: list[str], timeout: float = 0) -> ExecResult: ...


class Checker:
    """Carries out checks. Whatever goes wrong is an outcome, not an exception."""

    def __init__(self, runtime: Executor, clock: Clock):
        self._runtime, self._clock = runtime, clock
        self._session: aiohttp.ClientSession | None = None

    async def check(self, probe: Probe, container: Container, container_id: str, pod_ip: str) -> Outcome:
        """Ask once, for at most the probe's timeout."""
        timeout = float(probe.timeout_seconds or 1)
        try:
            if probe.exec is not None:
                return await self._exec(probe.exec.command, container_id, timeout)
            if probe.http_get is not None:
                url, headers = http_target(probe.http_get, container, pod_ip)
                return await self._http(url, headers, timeout)
            if probe.tcp_socket is not None:
                host = probe.tcp_socket.host or pod_ip
                return await _tcp(host, port_number(probe.tcp_socket.port, container), timeout)
            if probe.grpc is not None:
                from nodeagent.probes import grpc_health  # few pods use it, and it is heavy

                return await grpc_health.check(pod_ip, probe.grpc.port or 0, probe.grpc.service, timeout)
        except PortNotFound as error:
            return Outcome(False, str(error))
        return Outcome(False, "missing probe handler")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _exec(self, command: list[str], container_id: str, timeout: float) -> Outcome:
        try:
            result = await self._runtime.exec_sync(container_id, command, timeout)
        except TimedOut:
            return Outcome(False, f'command timed out: "{" ".join(command)}" timed out after {timeout:g}s')
        except RuntimeFailure as error:
            return Outcome(False, str(error))
        return Outcome(result.exit_code == 0, (result.stdout + result.stderr)[:_SHOWN].decode(errors="replace"))

    async def _http(self, url: str, headers: list[tuple[str, str]], timeout: float) -> Outcome:
        limit = aiohttp.ClientTimeout(total=timeout)
        try:
            # Every check is a new connection, as every client's first request is; certificates are not looked at.
            async with self._open().get(url, headers=headers, timeout=limit, ssl=False, max_redirects=10) as answer:
                body = (await answer.content.read(_SHOWN)).decode(errors="replace")
        except TimeoutError:
            words = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            return Outcome(False, f'Get "{url}": {words}')
        except aiohttp.TooManyRedirects:
            return Outcome(False, f'Get "{url}": stopped after 10 redirects')
        except aiohttp.ClientConnectorError as error:
            return Outcome(False, f'Get "{url}": dial tcp {error.host}:{error.port}: connect: {_why(error.os_error)}')
        except (aiohttp.ClientError, OSError) as error:
            return Outcome(False, f'Get "{url}": {error or "EOF"}')
        if 200 <= answer.status < 400:
            return Outcome(True, body)
        return Outcome(False, f"HTTP probe failed with statuscode: {answer.status}")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0, use_dns_cache=False),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


async def _tcp(host: str, port: int, timeout: float) -> Outcome:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return Outcome(False, f"dial tcp {address}: i/o timeout")
    except OSError as error:
        return Outcome(False, f"dial tcp {address}: connect: {_why(error)}")
    writer.close()
    return Outcome(True)


def _why(error: OSError) -> str:
    # Event loops word it each in their own way; the number is the kernel's.
    return os.strerror(error.errno).lower() if error.errno else str(error)
