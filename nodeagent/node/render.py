"""From facts and settings to the Node object and its status: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from controlplane.api.core_v1 import (
    ContainerImage,
    DaemonEndpoint,
    Node,
    NodeAddress,
    NodeCondition,
    NodeDaemonEndpoints,
    NodeSpec,
    NodeStatus,
    NodeSystemInfo,
    Taint,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.timestamps import format_time
from nodeagent.node.machine import Machine, Pressure

MAX_IMAGES = 50  # upstream's --node-status-max-images


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What the administrator says of this node."""

    name: str
    addresses: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    max_pods: int = 110
    reserved_memory: int = 0  # bytes kept from pods
    eviction_memory: int = 100 * 2**20  # bytes: upstream's memory.available<100Mi
    eviction_disk_share: float = 0.10  # nodefs.available<10%
    eviction_inode_share: float = 0.05  # nodefs.inodesFree<5%
    port: int = 10250
    version: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of the node just now.

    `problems` are the sentences of what keeps pods from starting. `amiss` says that there may be such a thing, although
    it has not lasted long enough to be told.
    """

    machine: Machine
    pressure: Pressure
    runtime_version: str = ""
    problems: tuple[str, ...] = ()
    amiss: bool = False
    images: tuple[ContainerImage, ...] = ()


def default_labels(name: str, architecture: str) -> dict[str, str]:
    system = "linux"
    return {
        "beta.kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": system,
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": system,
    }


def render_node(settings: NodeSettings, observed: Observed, now: datetime) -> Node:
    """Return the Node as it registers itself."""
    labels = {**default_labels(settings.name, observed.machine.architecture), **settings.labels}
    annotations = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
    return Node(
        metadata=ObjectMeta(name=settings.name, labels=labels, annotations=annotations),
        spec=NodeSpec(taints=list(settings.taints)),
        status=render_status(settings, observed, NodeStatus(), now),
    )


def render_status(settings: NodeSettings, observed: Observed, previous: NodeStatus, now: datetime) -> NodeStatus:
    """Return the whole status; conditions that did not change keep their transition times."""
    machine = observed.machine
    capacity = {
        "cpu": str(machine.cpus),
        "ephemeral-storage": f"{machine.disk // 1024}Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": f"{machine.memory // 1024}Ki",
        "pods": str(settings.max_pods),
    }
    spare = machine.memory - settings.reserved_memory - settings.eviction_memory
    allocatable = {
        **capacity,
        "ephemeral-storage": str(int(machine.disk * (1 - settings.eviction_disk_share))),
        "memory": f"{max(0, spare) // 1024}Ki",
    }
    return replace(
        previous,
        addresses=[
            *(NodeAddress(type="InternalIP", address=address) for address in settings.addresses),
            NodeAddress(type="Hostname", address=settings.name),
        ],
        capacity=capacity,
        allocatable=allocatable,
        conditions=render_conditions(settings, observed, previous.conditions, now),
        daemon_endpoints=NodeDaemonEndpoints(kubelet_endpoint=DaemonEndpoint(port=settings.port)),
        images=sorted(observed.images, key=lambda image: -(image.size_bytes or 0))[:MAX_IMAGES],
        node_info=system_info(settings, observed),
    )


def system_info(settings: NodeSettings, observed: Observed) -> NodeSystemInfo:
    machine = observed.machine
    return NodeSystemInfo(
        architecture=machine.architecture,
        boot_id=machine.boot_id,
        container_runtime_version=observed.runtime_version,
        kernel_version=machine.kernel,
        kube_proxy_version="",
        kubelet_version=settings.version,
        machine_id=machine.machine_id,
        operating_system="linux",
        os_image=machine.os_image,
        system_uuid=machine.system_uuid,
    )


def render_conditions(
    settings: NodeSettings, observed: Observed, previous: Sequence[NodeCondition], now: datetime
) -> list[NodeCondition]:
    """Return the kubelet's four conditions, then those that somebody else keeps."""
    pressure = observed.pressure
    memory = pressure.memory_available < settings.eviction_memory
    disk = (
        pressure.disk_available < pressure.disk_total * settings.eviction_disk_share
        or pressure.inodes_free < pressure.inodes_total * settings.eviction_inode_share
    )
    pids = pressure.pids_max > 0 and pressure.pids > pressure.pids_max * 0.95
    wanted = [
        _pressure("MemoryPressure", memory, "Memory", "memory"),
        _pressure("DiskPressure", disk, "Disk", "disk"),
        _pressure("PIDPressure", pids, "PID", "PID"),
        _ready(observed.problems),
    ]
    by_type = {condition.type: condition for condition in previous}
    ours = {condition.type for condition in wanted}
    stamped = [_stamp(condition, by_type.get(condition.type), now) for condition in wanted]
    return stamped + [condition for condition in previous if condition.type not in ours]


def _pressure(type_: str, present: bool, name: str, word: str) -> NodeCondition:
    if present:
        reason, message = f"KubeletHasInsufficient{name}", f"kubelet has insufficient {word} available"
        if name == "Disk":
            reason, message = "KubeletHasDiskPressure", "kubelet has disk pressure"
        return NodeCondition(type=type_, status="True", reason=reason, message=message)
    reason, message = f"KubeletHasSufficient{name}", f"kubelet has sufficient {word} available"
    if name == "Disk":
        reason, message = "KubeletHasNoDiskPressure", "kubelet has no disk pressure"
    return NodeCondition(type=type_, status="False", reason=reason, message=message)


def _ready(problems: tuple[str, ...]) -> NodeCondition:
    if problems:
        message = problems[0] if len(problems) == 1 else "[" + ", ".join(problems) + "]"
        return NodeCondition(type="Ready", status="False", reason="KubeletNotReady", message=message)
    return NodeCondition(type="Ready", status="True", reason="KubeletReady", message="kubelet is posting ready status")


def _stamp(condition: NodeCondition, previous: NodeCondition | None, now: datetime) -> NodeCondition:
    changed = previous is None or previous.status != condition.status
    moment = format_time(now)
    since = moment if changed or previous is None else previous.last_transition_time
    return replace(condition, last_heartbeat_time=moment, last_transition_time=since)


def same_but_for_heartbeats(old: NodeStatus, new: NodeStatus) -> bool:
    """Whether writing `new` over `old` would say nothing but that we are alive, which the Lease says already."""
    return _timeless(old) == _timeless(new)


def _timeless(status: NodeStatus) -> NodeStatus:
    conditions = [replace(condition, last_heartbeat_time=None) for condition in status.conditions]
    return replace(status, conditions=conditions)


def reconcile_registered(existing: Node, wanted: Node) -> Node | None:
    """Return what an existing Node should become at our start, or None if it is right already.

    Our own labels win; taints and the labels of others stay: only a first registration taints.
    """
    labels = {**existing.metadata.labels, **wanted.metadata.labels}
    annotations = {**existing.metadata.annotations, **wanted.metadata.annotations}
    if labels == existing.metadata.labels and annotations == existing.metadata.annotations:
        return None
    return replace(existing, metadata=replace(existing.metadata, labels=labels, annotations=annotations))


def is_ready(node: Node) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in node.status.conditions)


def address_conflict(name: str, addresses: Sequence[str], nodes: Sequence[Node]) -> str:
    """Say which other node already claims one of our addresses, and how to mend it; empty when none does."""
    for node in nodes:
        if node.metadata.name == name:
            continue
        for address in node.status.addresses:
            if address.type == "InternalIP" and address.address in addresses:
                return (
                    f"node {node.metadata.name} already has the address {address.address}; give this node its own with "
                    "--node-ip (on Vagrant: the one on the private network, not the NAT interface all machines share), "
                    f"or, if that node is gone for good, kubectl delete node {node.metadata.name}"
                )
    return ""
