"""A container runtime in memory that behaves: containers live, end, are killed after their grace, and are remembered.

    runtime = FakeRuntime(clock)
    ...
    runtime.exit("web", code=3)                      # the newest run of container "web" ends
    runtime.kill_sandbox("uid")                      # as a reboot does
    runtime.down = True                              # containerd is not there
    runtime.fail("run_sandbox", RuntimeFailure("no network"))

Everything it was told to do is in `runtime.calls`. Its image service is `runtime.images`, its events `runtime.events`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from controlplane.kit.clock import Clock
from nodeagent.cri import cri_pb2 as pb
from nodeagent.cri.errors import ImageNotFound, NotFound, RuntimeFailure, Unavailable
from nodeagent.cri.events import Event, Exited, Reconnected
from nodeagent.cri.records import Container, Credentials, ExecResult, Image, Sandbox, State


class FakeImages:
    """Images by name; `registry` is what can be pulled, and of what is `stalled` no byte comes."""

    def __init__(self, present: Sequence[str] = ("x:1",), registry: Sequence[str] = ()):
        self.present, self.registry = {*present}, {*registry}
        self.pulled: list[str] = []
        self.stalled: set[str] = set()
        self.broken = ""  # what the store of images says instead of an answer

    async def status(self, image: str) -> Image | None:
        await asyncio.sleep(0)
        if self.broken:
            raise RuntimeFailure(self.broken)
        return Image(id=image, tags=(image,), size=1000) if image in self.present else None

    async def pull(self, image: str, credentials: Credentials | None = None) -> str:
        await asyncio.sleep(0)
        self.pulled.append(image)
        if image in self.stalled:
            await asyncio.Event().wait()
        if image not in self.registry:
            raise ImageNotFound(f"rpc error: code = NotFound desc = {image}: not found")
        self.present.add(image)
        return image


class FakeEvents:
    """The runtime's event stream."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue()

    def send(self, event: Event) -> None:
        self._queue.put_nowait(event)

    async def follow(self) -> AsyncIterator[Event]:
        yield Reconnected()
        while True:
            yield await self._queue.get()


@dataclass
class _Failure:
    method: str
    error: Exception
    times: int


@dataclass
class FakeRuntime:
    """Implements what pods need of cri.runtime.Runtime."""

    clock: Clock
    images: FakeImages = field(default_factory=FakeImages)
    events: FakeEvents = field(default_factory=FakeEvents)
    down: bool = False
    ignores_term: bool = False  # containers react to SIGKILL only
    calls: list[tuple[str, str]] = field(default_factory=list)
    commands: dict[str, ExecResult] = field(default_factory=dict)  # what exec answers, by its first word
    configs: dict[str, pb.ContainerConfig] = field(default_factory=dict)
    handlers: dict[str, str] = field(default_factory=dict)  # with which the sandbox of a pod, by its name, was made
    _sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    _containers: dict[str, Container] = field(default_factory=dict)
    _failures: list[_Failure] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # What happens to it

    def fail(self, method: str, error: Exception, times: int = 1) -> None:
        self._failures.append(_Failure(method, error, times))

    def exit(self, name: str, code: int = 0, reason: str = "") -> None:
        """Let the newest running run of a container end."""
        running = [one for one in self._containers.values() if one.name == name and one.running]
        self._end(running[-1], code, reason)

    def kill_sandbox(self, uid: str) -> None:
        """Let everything of a pod be dead, as after a reboot."""
        for sandbox in self._sandboxes.values():
            if sandbox.uid == uid:
                self._sandboxes[sandbox.id] = replace(sandbox, ready=False)
                for one in self._of(sandbox.id):
                    if one.running:
                        self._end(one, 255, "Unknown")

    def running(self, name: str) -> list[Container]:
        return [one for one in self._containers.values() if one.name == name and one.running]

    # RuntimeService

    async def run_sandbox(self, config: pb.PodSandboxConfig, handler: str = "") -> str:
        await self._called("run_sandbox", config.metadata.name)
        meta, number = config.metadata, next(self._numbers)
        self.handlers[meta.name] = handler
        made = Sandbox(
            id=f"sandbox-{number}",
            name=meta.name,
            namespace=meta.namespace,
            uid=meta.uid,
            attempt=meta.attempt,
            created_at=self._now(),
            runtime_handler=handler,
            ips=() if config.linux.security_context.namespace_options.network == pb.NODE else (f"10.244.0.{number}",),
            labels=dict(config.labels),
            annotations=dict(config.annotations),
        )
        self._sandboxes[made.id] = made
        return made.id

    async def stop_sandbox(self, sandbox_id: str) -> None:
        await self._called("stop_sandbox", sandbox_id)
        if sandbox_id in self._sandboxes:
            self._sandboxes[sandbox_id] = replace(self._sandboxes[sandbox_id], ready=False)
            for one in self._of(sandbox_id):
                if one.running:
                    self._end(one, 137)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        await self._called("remove_sandbox", sandbox_id)
        self._sandboxes.pop(sandbox_id, None)
        for one in self._of(sandbox_id):
            del self._containers[one.id]

    async def sandbox_status(self, sandbox_id: str) -> Sandbox:
        await self._called("sandbox_status", sandbox_id, noted=False)
        return self._found(self._sandboxes, sandbox_id)

    async def list_sandboxes(self, labels: Mapping[str, str] | None = None) -> tuple[Sandbox, ...]:
        await self._called("list_sandboxes", "", noted=False)
        every = self._sandboxes.values()
        return tuple(replace(one, ips=()) for one in every if (labels or {}).items() <= one.labels.items())

    async def create_container(
        self, sandbox_id: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig
    ) -> str:
        await self._called("create_container", config.metadata.name)
        made = Container(
            id=f"container-{next(self._numbers)}",
            sandbox_id=sandbox_id,
            name=config.metadata.name,
            attempt=config.metadata.attempt,
            image=config.image.image,
            image_ref=config.image.image,
            created_at=self._now(),
            labels=dict(config.labels),
            annotations=dict(config.annotations),
        )
        self._containers[made.id], self.configs[made.id] = made, config
        return made.id

    async def start_container(self, container_id: str) -> None:
        found = self._found(self._containers, container_id)
        await self._called("start_container", found.name)
        self._containers[container_id] = replace(found, state=State.RUNNING, started_at=self._now())

    async def stop_container(self, container_id: str, grace: float) -> None:
        found = self._found(self._containers, container_id)
        await self._called("stop_container", found.name)
        if found.running and self.ignores_term:
            await self.clock.sleep(grace)
        found = self._found(self._containers, container_id)
        if found.running:
            self._end(found, 137 if self.ignores_term else 143)

    async def remove_container(self, container_id: str) -> None:
        await self._called("remove_container", container_id)
        self._containers.pop(container_id, None)

    async def container_status(self, container_id: str) -> Container:
        await self._called("container_status", container_id, noted=False)
        return replace(self._found(self._containers, container_id), sandbox_id="")

    async def list_containers(
        self, labels: Mapping[str, str] | None = None, *, sandbox_id: str = ""
    ) -> tuple[Container, ...]:
        await self._called("list_containers", "", noted=False)
        return tuple(one for one in self._containers.values() if (labels or {}).items() <= one.labels.items())

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float = 0) -> ExecResult:
        await self._called("exec_sync", " ".join(command))
        return self.commands.get(command[0], ExecResult(0))

    async def reopen_log(self, container_id: str) -> None:
        await self._called("reopen_log", container_id)

    async def _called(self, method: str, about: str, *, noted: bool = True) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("containerd is down")
        if noted:
            self.calls.append((method, about))
        for failure in self._failures:
            if failure.method == method and failure.times > 0:
                failure.times -= 1
                raise failure.error

    def _found(self, where: Mapping[str, Sandbox | Container], id_: str):  # type: ignore[no-untyped-def]
        if id_ not in where:
            raise NotFound(f"{id_}: not found")
        return where[id_]

    def _of(self, sandbox_id: str) -> list[Container]:
        return [one for one in self._containers.values() if one.sandbox_id == sandbox_id]

    def _end(self, run: Container, code: int, reason: str = "") -> None:
        reason = reason or ("Completed" if code == 0 else "Error")
        self._containers[run.id] = replace(
            run, state=State.EXITED, exit_code=code, reason=reason, finished_at=self._now()
        )
        self.events.send(Exited(run.id, code))

    def _now(self) -> int:
        return int(self.clock.now().timestamp() * 1_000_000) * 1000


__all__ = ["FakeEvents", "FakeImages", "FakeRuntime", "RuntimeFailure"]
