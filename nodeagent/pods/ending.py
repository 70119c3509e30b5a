"""The operations that take a pod down: killing containers, deleting the object, cleaning up the node."""

from __future__ import annotations

import logging

from controlplane.api.core_v1 import Container, EphemeralContainer, Pod
from controlplane.api.status import Conflict, NotFound, StatusError
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.waiting import finish_within
from nodeagent.cri.errors import NotFound as RuntimeNotFound
from nodeagent.pods import names
from nodeagent.pods.files import PodFiles
from nodeagent.pods.hooks import HookFailed
from nodeagent.pods.memory import Memory
from nodeagent.pods.plan import KillContainer, PreStop
from nodeagent.pods.state import PodRuntime
from nodeagent.pods.tools import Tools, spec_of, teller

_log = logging.getLogger(__name__)
_RETRY = Backoff(first=0.5, cap=10.0)
_MIN_GRACE = 2.0  # seconds: upstream never gives a container less to react to SIGTERM


class Ender:
    """Ends containers of one pod, and at last the pod."""

    def __init__(self, tools: Tools, memory: Memory):
        self._tools, self._memory = tools, memory

    async def kill(self, pod: Pod, action: KillContainer, pod_ip: str) -> None:
        """Let the container's preStop hook run unless it has, then stop it; both share the grace period."""
        self._tools.probes.only_readiness(action.id)
        left = action.grace
        if action.id not in self._memory.pre_stopped:
            left -= await self.pre_stop(pod, action, pod_ip)
        try:
            await self._tools.runtime.stop_container(action.id, max(_MIN_GRACE, left))
        except RuntimeNotFound:
            return
        self._memory.exit_seen.add(action.id)

    async def pre_stop(self, pod: Pod, action: KillContainer | PreStop, pod_ip: str) -> float:
        """Tell that the container is to end, run its preStop hook if it has one; return how long that took."""
        container, took = spec_of(pod, action.name), 0.0
        teller(self._tools.recorder, pod, container)("Normal", "Killing", action.message)
        if container is not None and action.grace > 0:
            took = await self._pre_stop(pod, container, action.id, pod_ip, action.grace)
        self._memory.pre_stopped.add(action.id)
        return took

    async def _pre_stop(
        self, pod: Pod, container: Container | EphemeralContainer, container_id: str, pod_ip: str, seconds: float
    ) -> float:
        """Run the hook for at most `seconds`; return how long it took."""
        hook = container.lifecycle.pre_stop if container.lifecycle else None
        if hook is None:
            return 0.0
        clock = self._tools.clock
        started = clock.monotonic()
        try:
            await finish_within(self._tools.hooks.run(hook, container, container_id, pod_ip), seconds, clock)
        except TimeoutError:
            _log.info("preStop hook of %s in %s did not finish in time", container.name, names.described(pod))
        except HookFailed as error:
            tell = teller(self._tools.recorder, pod, container)
            tell("Warning", "FailedPreStopHook", f"PreStopHook failed: {error}")
        return clock.monotonic() - started

    async def remove_container(self, pod: Pod, runtime: PodRuntime, container_id: str) -> None:
        """Remove a dead container and its log."""
        run = next((one for one in runtime.containers if one.id == container_id), None)
        await self._tools.runtime.remove_container(container_id)
        if run is not None:
            PodFiles(pod, self._tools.node()).remove_log(run)

    async def delete_from_api(self, pod: Pod) -> None:
        """Let go of the pod's name. Its last status is written first, for those who watch."""
        meta, tools = pod.metadata, self._tools
        await tools.writer.settled(meta.uid)
        for delay in _RETRY.delays():
            try:
                await tools.client.delete(Pod, meta.name, meta.namespace, uid=meta.uid, grace_period_seconds=0)
                return
            except (NotFound, Conflict):
                return  # somebody else was faster, or another pod has the name by now
            except (StatusError, Unreachable) as error:
                _log.warning("pod %s is not deleted yet: %s", names.described(pod), error)
            await tools.clock.sleep(delay)

    async def clean(self, pod: Pod, runtime: PodRuntime, *, forget: bool) -> None:
        """Take away what the pod had on the node; logs and dead containers only if it is to be forgotten."""
        tools, uid = self._tools, pod.metadata.uid
        if forget:
            for sandbox in runtime.sandboxes:
                await tools.runtime.remove_sandbox(sandbox.id)
            tools.remove_cgroup(pod)
            PodFiles(pod, tools.node()).remove_logs()
            tools.puller.forget(uid)
            tools.probe_counts.forget(pod.metadata.name, pod.metadata.namespace, uid)
        await tools.volumes.tear_down(uid)
