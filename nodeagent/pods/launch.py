"""Starts one run of one container: its image, its environment, its mounts, then create and start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import Container, EphemeralContainer, Pod, Secret, Service, VolumeMount
from nodeagent.cri import cri_pb2 as cri
from nodeagent.cri.errors import RuntimeFailure, Unavailable
from nodeagent.cri.records import Image, Sandbox
from nodeagent.cri.runtime import Runtime
from nodeagent.pods.container import Prepared, render_container
from nodeagent.pods.env import ConfigError, EnvSources, environment, expand
from nodeagent.pods.files import PodFiles
from nodeagent.pods.puller import ImagePuller, Tell
from nodeagent.pods.sandbox import NodeSettings, render_sandbox
from nodeagent.pods.state import Waiting
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.manager import Mounted, Volumes
from nodeagent.volumes.objects import Reference


class LaunchFailed(Exception):
    """A container could not be started; why, as its status says it."""

    def __init__(self, waiting: Waiting):
        super().__init__(waiting.message)
        self.waiting = waiting


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything a launch depends on that differs from one to the next."""

    pod: Pod
    container: Container | EphemeralContainer
    attempt: int
    sandbox: Sandbox
    mounted: Mounted
    node: NodeSettings
    pod_ips: Sequence[str]
    target_id: str = ""


class Launcher:
    """Starts containers."""

    def __init__(
        self,
        runtime: Runtime,
        puller: ImagePuller,
        volumes: Volumes,
        services: Callable[[], Sequence[Service]],
        allocatable: Callable[[], Mapping[str, Quantity]],
    ):
        self._runtime, self._puller, self._volumes = runtime, puller, volumes
        self._services, self._allocatable = services, allocatable

    async def fetch(self, launch: Launch, tell: Tell) -> tuple[str, Image]:
        """Return a reference to the container's image, and the image, present now. Raises ImageTrouble, Unavailable."""
        return await self._puller.ensure(launch.pod, launch.container, _pull_secrets(launch), tell)

    async def start(self, launch: Launch, reference: str, image: Image, tell: Tell) -> str:
        """Start the container and return its id. Raises LaunchFailed, Unavailable."""
        try:
            config = await self._render(launch, reference, image)
            PodFiles(launch.pod, launch.node).make_log_directory(launch.container.name)
        except (ConfigError, VolumeFailed, OSError) as error:  # OSError: the disk is full, or read-only by now
            tell("Warning", "Failed", f"Error: {error}")
            raise LaunchFailed(Waiting("CreateContainerConfigError", str(error))) from error
        container_id = await self._create(launch, config, tell)
        await self._run(launch, container_id, tell)
        return container_id

    async def _create(self, launch: Launch, config: cri.ContainerConfig, tell: Tell) -> str:
        sandbox_config = render_sandbox(launch.pod, launch.sandbox.attempt, launch.node)
        try:
            container_id = await self._runtime.create_container(launch.sandbox.id, config, sandbox_config)
        except Unavailable:
            raise
        except RuntimeFailure as error:
            tell("Warning", "Failed", f"Error: {error}")
            raise LaunchFailed(Waiting("CreateContainerError", str(error))) from error
        tell("Normal", "Created", "Container created")
        return container_id

    async def _run(self, launch: Launch, container_id: str, tell: Tell) -> None:
        try:
            await self._runtime.start_container(container_id)
        except Unavailable:
            raise
        except RuntimeFailure as error:
            tell("Warning", "Failed", f"Error: {error}")
            raise LaunchFailed(Waiting("RunContainerError", str(error))) from error
        tell("Normal", "Started", "Container started")
        PodFiles(launch.pod, launch.node).link_log(launch.container.name, launch.attempt, container_id)

    async def _render(self, launch: Launch, reference: str, image: Image) -> cri.ContainerConfig:
        files = PodFiles(launch.pod, launch.node)
        sources = EnvSources(
            services=self._services(),
            objects=launch.mounted.objects,
            pod_ips=launch.pod_ips,
            host_ips=launch.node.host_ips,
            allocatable=self._allocatable(),
        )
        variables = environment(launch.pod, launch.container, sources)
        prepared = Prepared(
            attempt=launch.attempt,
            image=image,
            image_ref=reference,
            variables=variables,
            mounts=await self._mounts(launch, variables),
            etc_hosts=str(files.write_hosts(tuple(launch.pod_ips))),
            termination_message=str(files.make_termination_message(launch.container.name, launch.attempt)),
            target_id=launch.target_id,
            recursive_read_only=launch.node.runtime.handler(launch.sandbox.runtime_handler).recursive_read_only,
        )
        return render_container(launch.pod, launch.container, prepared, launch.node)

    async def _mounts(self, launch: Launch, variables: Mapping[str, str]) -> list[tuple[VolumeMount, str]]:
        found = []
        for index, mount in enumerate(launch.container.volume_mounts):
            path = launch.mounted.paths.get(mount.name)
            if path is None:
                raise ConfigError(f'volumeMount "{mount.name}" has no volume of that name')
            if mount.name in launch.mounted.read_only:
                mount = replace(mount, read_only=True)
            found.append((mount, str(await self._mount_path(launch, index, mount, path, variables))))
        return found

    async def _mount_path(
        self, launch: Launch, index: int, mount: VolumeMount, path: Path, variables: Mapping[str, str]
    ) -> Path:
        sub_path = expand(mount.sub_path_expr, variables) if mount.sub_path_expr else mount.sub_path
        if not sub_path:
            return path
        if "$(" in sub_path and mount.sub_path_expr:
            raise ConfigError(f"failed to expand subPath for volumeMount {mount.name!r}: {mount.sub_path_expr}")
        return await self._volumes.sub_path(launch.pod, launch.container.name, index, mount, sub_path, path)


def _pull_secrets(launch: Launch) -> list[Secret]:
    namespace = launch.pod.metadata.namespace
    wanted = [Reference(Secret, namespace, one.name) for one in launch.pod.spec.image_pull_secrets]
    found = [launch.mounted.objects.get(reference) for reference in wanted]
    return [one for one in found if isinstance(one, Secret)]
