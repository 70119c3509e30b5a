"""The operations that bring a pod up: its volumes, its sandbox, its containers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from controlplane.api.core_v1 import Pod
from controlplane.kit.backoff import Backoff
from nodeagent.cri.errors import RuntimeFailure, Unavailable
from nodeagent.pods.env import ConfigError
from nodeagent.pods.files import PodFiles
from nodeagent.pods.hooks import HookFailed
from nodeagent.pods.launch import Launch, LaunchFailed
from nodeagent.pods.memory import Memory
from nodeagent.pods.plan import CreateSandbox
from nodeagent.pods.puller import ImageTrouble
from nodeagent.pods.restart import still_to_come
from nodeagent.pods.sandbox import Unprepared, refuse_unsupported, render_sandbox
from nodeagent.pods.state import Trouble, Unhealthy, Waiting
from nodeagent.pods.tools import Tools, teller
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.manager import Mounted

_SANDBOX_RETRY = Backoff(first=1.0, cap=60.0)
_VOLUME_RETRY = Backoff(first=0.5, cap=122.0)  # upstream's volume manager waits 2 min 2 s at most
_CONFIG_RETRY = timedelta(seconds=10)


class PodVolumes:
    """Keeps one pod's volumes made and current."""

    def __init__(self, tools: Tools, on_change: Callable[[], None]):
        self._tools, self._on_change = tools, on_change
        self.mounted: Mounted | None = None
        self._stale = True
        self._failures = 0
        self._retry_at: datetime | None = None

    def invalidate(self) -> None:
        """Have them looked at again, at once."""
        self._stale, self._retry_at = True, None

    def due(self) -> bool:
        """Whether there is something to do now."""
        now = self._tools.clock.now()
        if self._retry_at is not None and still_to_come(self._retry_at, now):
            return False
        refresh_at = self.mounted.refresh_at if self.mounted else None
        return self._stale or (refresh_at is not None and now >= refresh_at)

    def next_at(self) -> datetime | None:
        """Return when there will be something to do."""
        return self._retry_at or (self.mounted.refresh_at if self.mounted else None)

    async def set_up(self, pod: Pod) -> None:
        """Make or refresh them; a failure is told as an event and tried again later."""
        self._stale = False
        try:
            self.mounted = await self._tools.volumes.set_up(pod, self._on_change)
        except (VolumeFailed, OSError) as error:
            teller(self._tools.recorder, pod)("Warning", "FailedMount", str(error))
            delay = _VOLUME_RETRY.delay(self._failures)
            if isinstance(error, VolumeFailed) and error.retry_after is not None:
                delay = min(delay, error.retry_after)
            self._failures, self._stale = self._failures + 1, True
            self._retry_at = self._tools.clock.now() + timedelta(seconds=delay)
            return
        self._failures, self._retry_at = 0, None


class Starter:
    """Makes sandboxes and starts containers of one pod."""

    def __init__(self, tools: Tools, memory: Memory, refresh: Callable[[], None]):
        self._tools, self._memory, self._refresh = tools, memory, refresh
        self._failures = 0

    async def create_sandbox(self, pod: Pod, action: CreateSandbox) -> None:
        tools, tell = self._tools, teller(self._tools.recorder, pod)
        if action.replaces:
            tell("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
            await tools.runtime.stop_sandbox(action.replaces)
        config = render_sandbox(pod, action.attempt, tools.node())
        try:
            PodFiles(pod, tools.node()).make_log_directory("")
            refuse_unsupported(pod)
            handler = await tools.runtime_classes.handler_of(pod)
            async with tools.sandbox_slots:
                await tools.runtime.run_sandbox(config, handler)
        except Unavailable:
            raise
        except (RuntimeFailure, ConfigError, OSError) as error:
            tell("Warning", *_told(error))
            retry_at = tools.clock.now() + timedelta(seconds=_SANDBOX_RETRY.delay(self._failures))
            self._failures += 1
            self._memory.troubles[""] = Trouble(Waiting("ContainerCreating"), retry_at)
            return
        self._failures = 0
        self._memory.troubles.pop("", None)

    async def launch(self, launch: Launch) -> None:
        name, tools, memory = launch.container.name, self._tools, self._memory
        tell = teller(tools.recorder, launch.pod, launch.container)
        try:
            # Before its turn to start: one that waits for a slow registry must not keep the others from starting.
            reference, image = await tools.launcher.fetch(launch, tell)
            async with tools.start_slots:
                container_id = await tools.launcher.start(launch, reference, image, tell)
        except ImageTrouble as error:
            memory.troubles[name] = error.trouble
        except LaunchFailed as error:
            memory.troubles[name] = Trouble(error.waiting, tools.clock.now() + _CONFIG_RETRY)
        else:
            memory.troubles.pop(name, None)
            await self._post_start(launch, container_id)

    async def _post_start(self, launch: Launch, container_id: str) -> None:
        hook = launch.container.lifecycle.post_start if launch.container.lifecycle else None
        if hook is None:
            return
        self._memory.hooks_running.add(container_id)
        self._refresh()  # it runs already, and may run for long before the hook is done
        try:
            ip = launch.pod_ips[0] if launch.pod_ips else ""
            await self._tools.hooks.run(hook, launch.container, container_id, ip)
        except HookFailed as error:
            tell = teller(self._tools.recorder, launch.pod, launch.container)
            tell("Warning", "FailedPostStartHook", f"PostStartHook failed: {error}")
            self._memory.unhealthy[container_id] = Unhealthy("FailedPostStartHook")
        finally:
            self._memory.hooks_running.discard(container_id)


def _told(error: Exception) -> tuple[str, str]:
    """Return the reason and the words of the event about a sandbox that could not be made."""
    if isinstance(error, Unprepared):
        return "FailedPrepareDynamicResources", f"Failed to prepare dynamic resources: {error}"
    return "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}"
