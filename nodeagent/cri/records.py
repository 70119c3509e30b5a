"""What the runtime reports, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

# The labels by which every kubelet, ours and upstream's, finds its own sandboxes and containers again.
POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"


class State(Enum):
    """Where a container is in its life."""

    CREATED = 0
    RUNNING = 1
    EXITED = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A pod's shell: its network namespace, cgroup and pause process. Times are nanoseconds since the epoch."""

    id: str
    name: str = ""
    namespace: str = ""
    uid: str = ""
    attempt: int = 0
    ready: bool = True
    created_at: int = 0
    ips: tuple[str, ...] = ()  # filled in by sandbox_status only
    runtime_handler: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    annotations: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def ours(self) -> bool:
        """Whether a kubelet made it: anything else is none of our business."""
        return POD_UID in self.labels


@dataclass(frozen=True, slots=True)
class Container:
    """One run of one container."""

    id: str
    sandbox_id: str = ""
    name: str = ""
    attempt: int = 0
    state: State = State.CREATED
    image: str = ""
    image_ref: str = ""
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    log_path: str = ""
    recursive_read_only: tuple[str, ...] = ()  # the mounts that are so; filled in by container_status only
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    annotations: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def pod_uid(self) -> str:
        return self.labels.get(POD_UID, "")

    @property
    def running(self) -> bool:
        return self.state is State.RUNNING


@dataclass(frozen=True, slots=True)
class Condition:
    """RuntimeReady or NetworkReady, and why not."""

    type: str
    status: bool
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Handler:
    """A way of running pods that the runtime is configured for, and what that way can do."""

    name: str = ""
    recursive_read_only: bool = False
    user_namespaces: bool = False


@dataclass(frozen=True, slots=True)
class RuntimeStatus:
    """How the runtime is and what it can do."""

    conditions: tuple[Condition, ...] = ()  # RuntimeReady and NetworkReady
    handlers: tuple[Handler, ...] = ()
    strict_groups: bool | None = None  # whether it can keep an image's own groups out; None: it does not say

    def handler(self, name: str) -> Handler:
        """Return a handler; one that the runtime does not name can do nothing that not all can."""
        return next((one for one in self.handlers if one.name == name), Handler(name))


@dataclass(frozen=True, slots=True)
class Version:
    runtime_name: str
    runtime_version: str
    api_version: str


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command printed, and the code it ended with."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """A container's usage: bytes, nanoseconds of CPU time, and the nanosecond at which it was read."""

    id: str
    name: str
    labels: Mapping[str, str]
    timestamp: int
    cpu_nanoseconds: int
    memory_working_set: int
    memory_usage: int
    memory_rss: int
    page_faults: int
    major_page_faults: int
    writable_bytes: int
    writable_inodes: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image on the node; `user` is what its configuration says to run as."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    size: int = 0
    uid: int | None = None
    username: str = ""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to introduce ourselves to a registry."""

    username: str = ""
    password: str = ""
    auth: str = ""
    server: str = ""
    identity_token: str = ""
    registry_token: str = ""
