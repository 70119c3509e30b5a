"""The node's API: routes, who may use them, and from requests to the rooms that answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web
from msgspec.structs import replace

from controlplane.api.codec import encode
from controlplane.api.core_v1 import Pod
from controlplane.client.delegated import DelegatedGuard
from controlplane.kit.clock import Clock
from controlplane.kit.serving import OPEN, Page, caller_of
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.records import Container
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel.inotify import Inotify
from nodeagent.pods import names
from nodeagent.pods.agent import PodAgent
from nodeagent.pods.sandbox import NodeSettings
from nodeagent.pods.worker import PodWorker
from nodeagent.server import node_logs, port_forward
from nodeagent.server.access import attributes_of
from nodeagent.server.beneath import Outside
from nodeagent.server.log_options import BadLogRequest, choose_run, parse_options
from nodeagent.server.log_reader import read_log
from nodeagent.server.spdy_client import Channel
from nodeagent.server.streams import STANDARD, pump, wanted_channels

_JSON = "application/json"
NO_COMMAND = "you must specify at least 1 command for the container\n"
NO_STREAM = "you must specify at least 1 of stdin, stdout, stderr\n"


@dataclass(frozen=True)
class NodeServer:
    """Serves until cancelled. `pages` are paths that answer by themselves: /metrics…, /stats/summary, /configz."""

    node_name: str
    pods: PodAgent
    runtime: Runtime
    guard: DelegatedGuard
    settings: NodeSettings
    inotify: Inotify
    clock: Clock
    pages: Mapping[str, Page]
    system_logs: Path = node_logs.ROOT

    async def run(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        """Serve until cancelled. Raises OSError when the address is taken."""
        runner = web.AppRunner(
            self.application(), access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=1
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host or None, port, ssl_context=tls, reuse_address=True).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._guarded])
        router = application.router
        for path, page in self.pages.items():
            router.add_get(path, page)
        if "/healthz" not in self.pages:
            router.add_get("/healthz", self._healthz)
        router.add_get("/logs", _to_logs)
        router.add_get("/logs/{path:.*}", partial(node_logs.serve, root=self.system_logs))
        router.add_get("/pods", self._pods)
        router.add_get("/runningpods/", self._running_pods)
        router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        for verb, handler in (("exec", self._exec), ("attach", self._attach)):
            router.add_route("*", f"/{verb}/{{namespace}}/{{pod}}/{{container}}", handler)
            router.add_route("*", f"/{verb}/{{namespace}}/{{pod}}/{{uid}}/{{container}}", handler)
        router.add_post("/run/{namespace}/{pod}/{container}", self._run_command)
        router.add_route("*", "/portForward/{namespace}/{pod}", self._port_forward)
        router.add_route("*", "/portForward/{namespace}/{pod}/{uid}", self._port_forward)
        return application

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Page) -> web.StreamResponse:
        if request.path not in OPEN:
            refusal = None
            for attributes in attributes_of(request.method, request.path, self.node_name):
                refusal = await self.guard.refuse_resource(caller_of(request), attributes)
                if refusal is None:
                    break
            if refusal is not None:
                return web.Response(text=refusal.message, status=refusal.status)
        return await handler(request)

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    # Pods

    async def _pods(self, _: web.Request) -> web.Response:
        shown = [replace(one.pod, api_version="v1", kind="Pod", status=one.status) for one in self.pods.workers()]
        return _pod_list(shown)

    async def _running_pods(self, _: web.Request) -> web.Response:
        running = [one for one in self.pods.workers() if one.runtime.running]
        return _pod_list([replace(one.pod, api_version="v1", kind="Pod", status=one.status) for one in running])

    # Logs

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        worker = self._worker(request)
        if worker is None:
            return _missing(request)
        try:
            options = parse_options(request.query, self.clock.now())
            container = request.match_info["container"]
            run_id = choose_run(worker.pod, worker.status, container, previous=options.previous)
            run = next((one for one in worker.runtime.containers if one.id == run_id), None)
            if run is None:
                raise BadLogRequest(f'container "{container}" in pod "{worker.pod.metadata.name}" is not available')
        except BadLogRequest as error:
            return web.Response(status=400, text=str(error))
        path = names.log_directory(worker.pod, self.settings.logs) / names.log_path(run.name, run.attempt)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        try:
            log = read_log(
                path,
                options,
                root=self.settings.logs,
                ended=lambda: not _runs(worker, run_id),
                inotify=self.inotify,
                clock=self.clock,
            )
            async for data in log:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(data)
        except (FileNotFoundError, Outside):
            if not response.prepared:
                return web.Response(status=404, text=f"log file of container {container} is gone\n")
        except ConnectionError:
            return response  # the reader has gone
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        return response

    # Streams

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        run = self._running(request)
        if run is None:
            return _missing(request)
        channels, command = wanted_channels(request), request.query.getall("command", [])
        if not any(command):
            return web.Response(status=400, text=NO_COMMAND)
        if not channels & STANDARD:
            return web.Response(status=400, text=NO_STREAM)
        try:
            url = await self.runtime.exec_url(run.id, command, **_streams(request))
        except RuntimeFailure as error:
            return web.Response(status=500, text=f"{error}\n")
        return await pump(request, url, channels)

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        run = self._running(request)
        if run is None:
            return _missing(request)
        if not wanted_channels(request) & STANDARD:
            return web.Response(status=400, text=NO_STREAM)
        try:
            url = await self.runtime.attach_url(run.id, **_streams(request))
        except RuntimeFailure as error:
            return web.Response(status=500, text=f"{error}\n")
        return await pump(request, url, wanted_channels(request))

    async def _run_command(self, request: web.Request) -> web.StreamResponse:
        run = self._running(request)
        if run is None:
            return _missing(request)
        command = request.query.getall("cmd", []) or request.query.getall("command", [])
        if not any(command):
            return web.Response(status=400, text=NO_COMMAND)
        try:
            result = await self.runtime.exec_sync(run.id, command)
        except RuntimeFailure as error:
            return web.Response(status=500, text=f"{error}\n")
        status = 200 if result.exit_code == 0 else 500
        return web.Response(status=status, body=result.stdout + result.stderr, content_type="text/plain")

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        worker = self._worker(request)
        sandbox = worker.runtime.ready_sandbox if worker else None
        if worker is None or sandbox is None:
            return _missing(request)
        try:
            namespace = await self.runtime.sandbox_network_namespace(sandbox.id)
        except RuntimeFailure as error:
            return web.Response(status=500, text=f"{error}\n")
        return await port_forward.serve(request, port_forward.connector(namespace))

    def _worker(self, request: web.Request) -> PodWorker | None:
        found = request.match_info
        return self.pods.find(found["namespace"], found["pod"], found.get("uid", ""))

    def _running(self, request: web.Request) -> Container | None:
        worker = self._worker(request)
        run = worker.runtime.current(request.match_info["container"]) if worker else None
        return run if run is not None and run.running else None


async def _to_logs(_: web.Request) -> web.StreamResponse:
    return web.Response(status=301, headers={"Location": "/logs/"})


def _streams(request: web.Request) -> dict[str, bool]:
    channels = wanted_channels(request)
    return {
        "tty": Channel.RESIZE in channels,
        "stdin": Channel.STDIN in channels,
        "stdout": Channel.STDOUT in channels,
        "stderr": Channel.STDERR in channels,
    }


def _runs(worker: PodWorker, run_id: str) -> bool:
    return any(one.id == run_id and one.running for one in worker.runtime.containers)


def _missing(request: web.Request) -> web.Response:
    found = request.match_info
    if "container" in found:
        return web.Response(status=404, text=f'container not found ("{found["container"]}")')
    return web.Response(status=404, text=f'pod "{found["pod"]}" in namespace "{found["namespace"]}" does not exist')


def _pod_list(pods: list[Pod]) -> web.Response:
    body = encode({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods})
    return web.Response(body=body, content_type=_JSON)
