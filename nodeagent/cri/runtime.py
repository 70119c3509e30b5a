"""The CRI's RuntimeService: sandboxes, containers, and running commands in them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from nodeagent.cri import cri_pb2 as pb
from nodeagent.cri.channel import DEFAULT_TIMEOUT, Channel
from nodeagent.cri.records import (
    Condition,
    Container,
    ContainerStats,
    ExecResult,
    Handler,
    RuntimeStatus,
    Sandbox,
    State,
    Version,
)

_SERVICE = "/runtime.v1.RuntimeService/"


class Runtime:
    """Every method asks containerd once and raises RuntimeFailure or one of its kinds."""

    def __init__(self, channel: Channel):
        self._channel = channel

    async def version(self) -> Version:
        answer = await self._channel.call(_SERVICE + "Version", pb.VersionRequest(version="0.1.0"), pb.VersionResponse)
        return Version(answer.runtime_name, answer.runtime_version, answer.runtime_api_version)

    async def status(self) -> RuntimeStatus:
        answer = await self._channel.call(_SERVICE + "Status", pb.StatusRequest(), pb.StatusResponse)
        return runtime_status(answer)

    async def sandbox_image(self) -> str:
        """Return the image that every sandbox is made of; "" if the runtime does not say."""
        answer = await self._channel.call(_SERVICE + "Status", pb.StatusRequest(verbose=True), pb.StatusResponse)
        image = json.loads(answer.info.get("config", "{}")).get("sandboxImage", "")
        return image if isinstance(image, str) else ""

    async def run_sandbox(self, config: pb.PodSandboxConfig, handler: str = "") -> str:
        """Make a sandbox with its network and return its id."""
        request = pb.RunPodSandboxRequest(config=config, runtime_handler=handler)
        # Pulling the pause image may be part of it: upstream allows twice the usual.
        timeout = 2 * DEFAULT_TIMEOUT
        answer = await self._channel.call(
            _SERVICE + "RunPodSandbox", request, pb.RunPodSandboxResponse, timeout=timeout
        )
        return answer.pod_sandbox_id

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """Kill what still runs in it and take its network down; a stopped or missing one is fine."""
        request = pb.PodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self._channel.call(_SERVICE + "StopPodSandbox", request, pb.Empty)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove it with its containers; a missing one is fine."""
        request = pb.PodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self._channel.call(_SERVICE + "RemovePodSandbox", request, pb.Empty)

    async def sandbox_status(self, sandbox_id: str) -> Sandbox:
        """Return the sandbox with its addresses (none for a sandbox on the node's network)."""
        request = pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id)
        answer = await self._channel.call(_SERVICE + "PodSandboxStatus", request, pb.PodSandboxStatusResponse)
        status = answer.status
        first = (status.network.ip,) if status.network.ip else ()
        return _sandbox(status, first + tuple(more.ip for more in status.network.additional_ips))

    async def sandbox_network_namespace(self, sandbox_id: str) -> str:
        """Return the path of the sandbox's network namespace; "" when it is on the node's."""
        request = pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id, verbose=True)
        answer = await self._channel.call(_SERVICE + "PodSandboxStatus", request, pb.PodSandboxStatusResponse)
        spec = json.loads(answer.info.get("info", "{}")).get("runtimeSpec") or {}
        namespaces = spec.get("linux", {}).get("namespaces", [])
        return next((one.get("path", "") for one in namespaces if one["type"] == "network"), "")

    async def list_sandboxes(self, labels: Mapping[str, str] | None = None) -> tuple[Sandbox, ...]:
        request = pb.ListPodSandboxRequest(filter=pb.PodSandboxFilter(label_selector=labels or {}))
        answer = await self._channel.call(_SERVICE + "ListPodSandbox", request, pb.ListPodSandboxResponse)
        return tuple(_sandbox(item) for item in answer.items)

    async def create_container(
        self, sandbox_id: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig
    ) -> str:
        request = pb.CreateContainerRequest(pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox_config)
        answer = await self._channel.call(_SERVICE + "CreateContainer", request, pb.CreateContainerResponse)
        return answer.container_id

    async def start_container(self, container_id: str) -> None:
        await self._container_call("StartContainer", container_id)

    async def stop_container(self, container_id: str, grace: float) -> None:
        """Send the stop signal, and SIGKILL if the container still runs after `grace` seconds."""
        request = pb.StopContainerRequest(container_id=container_id, timeout=math.ceil(grace))
        await self._channel.call(
            _SERVICE + "StopContainer", request, pb.Empty, timeout=DEFAULT_TIMEOUT + math.ceil(grace)
        )

    async def remove_container(self, container_id: str) -> None:
        """Remove a container that has ended; a missing one is fine. Its log file stays."""
        await self._container_call("RemoveContainer", container_id)

    async def reopen_log(self, container_id: str) -> None:
        """Have the runtime write to a new log file, after the old one was renamed."""
        await self._container_call("ReopenContainerLog", container_id)

    async def container_status(self, container_id: str) -> Container:
        request = pb.ContainerStatusRequest(container_id=container_id)
        answer = await self._channel.call(_SERVICE + "ContainerStatus", request, pb.ContainerStatusResponse)
        return _status(answer.status)

    async def list_containers(
        self, labels: Mapping[str, str] | None = None, *, sandbox_id: str = ""
    ) -> tuple[Container, ...]:
        """List containers, without times and exit codes: those only `container_status` knows."""
        selection = pb.ContainerFilter(label_selector=labels or {}, pod_sandbox_id=sandbox_id)
        request = pb.ListContainersRequest(filter=selection)
        answer = await self._channel.call(_SERVICE + "ListContainers", request, pb.ListContainersResponse)
        return tuple(_listed(item) for item in answer.containers)

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float = 0) -> ExecResult:
        """Run a command to its end; 0 waits for ever. Raises TimedOut after `timeout` seconds."""
        request = pb.ExecSyncRequest(container_id=container_id, cmd=command, timeout=math.ceil(timeout))
        answer = await self._channel.call(
            _SERVICE + "ExecSync",
            request,
            pb.ExecSyncResponse,
            timeout=DEFAULT_TIMEOUT + timeout if timeout else None,
        )
        return ExecResult(answer.exit_code, answer.stdout, answer.stderr)

    async def exec_url(
        self, container_id: str, command: Sequence[str], *, tty: bool, stdin: bool, stdout: bool, stderr: bool
    ) -> str:
        """Return where a streaming client can run the command, once."""
        request = pb.ExecRequest(
            container_id=container_id, cmd=command, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr
        )
        return (await self._channel.call(_SERVICE + "Exec", request, pb.StreamResponse)).url

    async def attach_url(self, container_id: str, *, tty: bool, stdin: bool, stdout: bool, stderr: bool) -> str:
        """Return where a streaming client can join the container's own input and output, once."""
        request = pb.AttachRequest(container_id=container_id, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr)
        return (await self._channel.call(_SERVICE + "Attach", request, pb.StreamResponse)).url

    async def container_stats(self, labels: Mapping[str, str] | None = None) -> tuple[ContainerStats, ...]:
        """The usage of every running container that has all `labels`."""
        request = pb.ListContainerStatsRequest(filter=pb.ContainerStatsFilter(label_selector=labels or {}))
        answer = await self._channel.call(_SERVICE + "ListContainerStats", request, pb.ListContainerStatsResponse)
        return tuple(_stats(item) for item in answer.stats)

    async def _container_call(self, method: str, container_id: str) -> None:
        await self._channel.call(_SERVICE + method, pb.ContainerRequest(container_id=container_id), pb.Empty)


def runtime_status(answer: pb.StatusResponse) -> RuntimeStatus:
    return RuntimeStatus(
        conditions=tuple(Condition(c.type, c.status, c.reason, c.message) for c in answer.status.conditions),
        handlers=tuple(
            Handler(one.name, one.features.recursive_read_only_mounts, one.features.user_namespaces)
            for one in answer.runtime_handlers
        ),
        strict_groups=answer.features.supplemental_groups_policy if answer.HasField("features") else None,
    )


def _sandbox(item: pb.PodSandbox | pb.PodSandboxStatus, ips: tuple[str, ...] = ()) -> Sandbox:
    return Sandbox(
        id=item.id,
        name=item.metadata.name,
        namespace=item.metadata.namespace,
        uid=item.metadata.uid,
        attempt=item.metadata.attempt,
        ready=item.state == pb.SANDBOX_READY,
        created_at=item.created_at,
        ips=ips,
        runtime_handler=item.runtime_handler,
        labels=dict(item.labels),
        annotations=dict(item.annotations),
    )


def _listed(item: pb.Container) -> Container:
    return Container(
        id=item.id,
        sandbox_id=item.pod_sandbox_id,
        name=item.metadata.name,
        attempt=item.metadata.attempt,
        state=State(item.state),
        image=item.image.image,
        image_ref=item.image_ref,
        created_at=item.created_at,
        labels=dict(item.labels),
        annotations=dict(item.annotations),
    )


def _status(item: pb.ContainerStatus) -> Container:
    return Container(
        id=item.id,
        name=item.metadata.name,
        attempt=item.metadata.attempt,
        state=State(item.state),
        image=item.image.image,
        image_ref=item.image_ref,
        created_at=item.created_at,
        started_at=item.started_at,
        finished_at=item.finished_at,
        exit_code=item.exit_code,
        reason=item.reason,
        message=item.message,
        log_path=item.log_path,
        recursive_read_only=tuple(mount.container_path for mount in item.mounts if mount.recursive_read_only),
        labels=dict(item.labels),
        annotations=dict(item.annotations),
    )


def _stats(item: pb.ContainerStats) -> ContainerStats:
    return ContainerStats(
        id=item.attributes.id,
        name=item.attributes.metadata.name,
        labels=dict(item.attributes.labels),
        timestamp=item.cpu.timestamp,
        cpu_nanoseconds=item.cpu.usage_core_nano_seconds.value,
        memory_working_set=item.memory.working_set_bytes.value,
        memory_usage=item.memory.usage_bytes.value,
        memory_rss=item.memory.rss_bytes.value,
        page_faults=item.memory.page_faults.value,
        major_page_faults=item.memory.major_page_faults.value,
        writable_bytes=item.writable_layer.used_bytes.value,
        writable_inodes=item.writable_layer.inodes_used.value,
    )
