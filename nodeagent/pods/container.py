"""Renders one container of a pod as the runtime's configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from controlplane.api.core_v1 import Container, EphemeralContainer, Pod, VolumeMount
from nodeagent.cri import cri_pb2 as cri
from nodeagent.cri.records import CONTAINER_NAME, Image
from nodeagent.pods import names
from nodeagent.pods.env import ConfigError, expand
from nodeagent.pods.resources import linux_resources
from nodeagent.pods.sandbox import NodeSettings, pod_labels
from nodeagent.pods.security import container_security

DEFAULT_TERMINATION_MESSAGE_PATH = "/dev/termination-log"
_ETC_HOSTS = "/etc/hosts"
_PROPAGATION = {
    "": cri.PROPAGATION_PRIVATE,
    "None": cri.PROPAGATION_PRIVATE,
    "HostToContainer": cri.PROPAGATION_HOST_TO_CONTAINER,
    "Bidirectional": cri.PROPAGATION_BIDIRECTIONAL,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made on the node for one run of a container, before it can be rendered."""

    attempt: int
    image: Image
    image_ref: str
    variables: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[tuple[VolumeMount, str]] = ()  # each with its path on the node
    etc_hosts: str = ""  # the path on the node of the pod's /etc/hosts; "" mounts none
    termination_message: str = ""  # the path on the node of the file for the termination message
    target_id: str = ""  # the container whose processes an ephemeral container sees
    recursive_read_only: bool = False  # whether the pod's runtime handler can mount so


def render_container(
    pod: Pod, container: Container | EphemeralContainer, prepared: Prepared, node: NodeSettings
) -> cri.ContainerConfig:
    """Return the configuration of one run of a container. Raises ConfigError."""
    variables = prepared.variables
    return cri.ContainerConfig(
        metadata=cri.ContainerMetadata(name=container.name, attempt=prepared.attempt),
        image=cri.ImageSpec(image=prepared.image_ref),
        command=[expand(word, variables) for word in container.command],
        args=[expand(word, variables) for word in container.args],
        working_dir=container.working_dir,
        envs=[cri.KeyValue(key=name, value=value.encode()) for name, value in variables.items()],
        mounts=_mounts(container, prepared),
        labels=pod_labels(pod) | {CONTAINER_NAME: container.name},
        annotations=_annotations(pod, container, prepared.attempt),
        log_path=names.log_path(container.name, prepared.attempt),
        stdin=bool(container.stdin),
        stdin_once=bool(container.stdin_once),
        tty=bool(container.tty),
        linux=cri.LinuxContainerConfig(
            resources=linux_resources(pod, container, node.memory_capacity),
            security_context=container_security(pod, container, prepared.image, prepared.target_id, node.hardening),
        ),
    )


def _mounts(container: Container | EphemeralContainer, prepared: Prepared) -> list[cri.Mount]:
    for mount, _ in prepared.mounts:
        if mount.bind_mount_options:  # noexec, nodev, nosuid: no runtime has said yet that it can do so
            wanted = ", ".join(mount.bind_mount_options)
            raise ConfigError(
                f'volumeMount "{mount.name}" has bindMountOptions ({wanted}), which this node cannot apply'
            )
    rendered = [
        cri.Mount(
            container_path=mount.mount_path,
            host_path=host_path,
            readonly=bool(mount.read_only),
            propagation=_PROPAGATION[mount.mount_propagation],
            recursive_read_only=_recursive_read_only(mount, prepared.recursive_read_only),
        )
        for mount, host_path in prepared.mounts
    ]
    taken = {mount.mount_path.rstrip("/") for mount, _ in prepared.mounts}
    if prepared.etc_hosts and _ETC_HOSTS not in taken:
        read_only = bool(container.security_context and container.security_context.read_only_root_filesystem)
        rendered.append(cri.Mount(container_path=_ETC_HOSTS, host_path=prepared.etc_hosts, readonly=read_only))
    if prepared.termination_message:
        path = container.termination_message_path or DEFAULT_TERMINATION_MESSAGE_PATH
        rendered.append(cri.Mount(container_path=path, host_path=prepared.termination_message))
    return rendered


def _recursive_read_only(mount: VolumeMount, possible: bool) -> bool:
    if mount.recursive_read_only == "Enabled" and not possible:
        words = "requested recursive read-only mode, but it is not supported by the runtime"
        raise ConfigError(f'volumeMount "{mount.name}" {words}')
    return possible and mount.recursive_read_only in ("Enabled", "IfPossible")


def _annotations(pod: Pod, container: Container | EphemeralContainer, attempt: int) -> dict[str, str]:
    rendered = {
        names.HASH: names.container_hash(container),
        names.RESTART_COUNT: str(attempt),
        names.TERMINATION_MESSAGE_PATH: container.termination_message_path or DEFAULT_TERMINATION_MESSAGE_PATH,
        names.TERMINATION_MESSAGE_POLICY: container.termination_message_policy or "File",
    }
    if pod.spec.termination_grace_period_seconds is not None:
        rendered[names.POD_TERMINATION_GRACE] = str(math.ceil(pod.spec.termination_grace_period_seconds))
    if container.ports:
        rendered[names.CONTAINER_PORTS] = msgspec.json.encode(container.ports).decode()
    return rendered
