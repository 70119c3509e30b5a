"""The names by which pods are found again: labels and annotations on containers, paths of logs and files.

They are upstream's, because log shippers and crictl read them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from msgspec.structs import replace

from controlplane.api.codec import encode
from controlplane.api.core_v1 import Container, EphemeralContainer, Pod

HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
TERMINATION_MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
TERMINATION_MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
POD_TERMINATION_GRACE = "io.kubernetes.pod.terminationGracePeriod"
CONTAINER_PORTS = "io.kubernetes.container.ports"

# "file" or "http" on static pods and their mirrors. Anybody can write it on a pod of the API: `of_api` takes it off.
CONFIG_SOURCE = "kubernetes.io/config.source"
CONFIG_HASH = "kubernetes.io/config.hash"
CONFIG_SEEN = "kubernetes.io/config.seen"
CONFIG_MIRROR = "kubernetes.io/config.mirror"  # on the API's copy of a static pod

LOGS = Path("/var/log/pods")
LOG_LINKS = Path("/var/log/containers")


def log_directory(pod: Pod, root: Path = LOGS) -> Path:
    """/var/log/pods/NAMESPACE_NAME_UID"""
    meta = pod.metadata
    return root / f"{meta.namespace}_{meta.name}_{meta.uid}"


def log_path(container: str, attempt: int) -> str:
    """Where a run of a container logs, below the pod's log directory."""
    return f"{container}/{attempt}.log"


def log_link(pod: Pod, container: str, container_id: str) -> str:
    """The name in /var/log/containers, from which log shippers read what the file is about."""
    return f"{pod.metadata.name}_{pod.metadata.namespace}_{container}-{container_id}.log"


def container_hash(container: Container | EphemeralContainer) -> str:
    """Return a digest of what makes a container another one: of all its fields only the image may change."""
    return hashlib.sha256(encode([container.name, container.image])).hexdigest()[:8]


def described(pod: Pod) -> str:
    """nginx_default(3f2a...): how upstream's messages name a pod."""
    return f"{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"


def of_api(pod: Pod) -> Pod:
    """Return a pod as it is received from the API: whatever its annotations say, that is where it came from."""
    if is_mirror(pod) or pod.metadata.annotations.get(CONFIG_SOURCE, "api") == "api":
        return pod
    annotations = {**pod.metadata.annotations, CONFIG_SOURCE: "api"}
    return replace(pod, metadata=replace(pod.metadata, annotations=annotations))


def is_static(pod: Pod) -> bool:
    """Whether the pod comes from a file of this node rather than from the API, if it has been received properly."""
    return pod.metadata.annotations.get(CONFIG_SOURCE, "api") != "api" and not is_mirror(pod)


def is_mirror(pod: Pod) -> bool:
    """Whether the pod is the API's copy of a static one."""
    return CONFIG_MIRROR in pod.metadata.annotations
