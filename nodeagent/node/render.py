"""From facts and settings to the Node object and its status: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from controlplane.api import quantity
from controlplane.api.base import Quantity
from controlplane.api.core_v1 import (
    ContainerImage,
    DaemonEndpoint,
    Node,
    NodeAddress,
    NodeCondition,
    NodeDaemonEndpoints,
    NodeFeatures,
    NodeRuntimeHandler,
    NodeRuntimeHandlerFeatures,
    NodeSpec,
    NodeStatus,
    NodeSwapStatus,
    NodeSystemInfo,
    Taint,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.timestamps import format_time
from nodeagent.cri.records import RuntimeStatus
from nodeagent.node.machine import Machine

MAX_IMAGES = 50  # upstream's --node-status-max-images


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What the administrator says of this node."""

    name: str
    addresses: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    max_pods: int = 110
    kept: Mapping[str, int] = field(default_factory=dict)  # from pods: bytes, thousandths of a core, process ids
    port: int = 10250
    version: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of the node just now.

    `problems` are the sentences of what keeps pods from starting. `amiss` says that there may be such a thing, although
    it has not lasted long enough to be told. `pressures` are the conditions that say what the node is short of.
    """

    machine: Machine
    pressures: frozenset[str] = frozenset()
    runtime_version: str = ""
    problems: tuple[str, ...] = ()
    amiss: bool = False
    images: tuple[ContainerImage, ...] = ()
    runtime: RuntimeStatus = field(default_factory=RuntimeStatus)


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
    capacity = capacity_of(machine, settings.max_pods)
    return replace(
        previous,
        addresses=[
            *(NodeAddress(type="InternalIP", address=address) for address in settings.addresses),
            NodeAddress(type="Hostname", address=settings.name),
        ],
        capacity=_shown(capacity),
        allocatable=_shown(allocatable_of(capacity, settings.kept)),
        conditions=render_conditions(observed, previous.conditions, now),
        daemon_endpoints=NodeDaemonEndpoints(kubelet_endpoint=DaemonEndpoint(port=settings.port)),
        images=sorted(observed.images, key=lambda image: -(image.size_bytes or 0))[:MAX_IMAGES],
        node_info=system_info(settings, observed),
        runtime_handlers=render_handlers(observed.runtime),
        features=render_features(observed.runtime),
    )


def capacity_of(machine: Machine, max_pods: int) -> dict[str, int]:
    """Return what the node has: bytes, thousandths of a core, pods."""
    return {
        "cpu": machine.cpus * 1000,
        "ephemeral-storage": machine.disk,
        **{_huge_pages(size): amount for size, amount in machine.huge_pages.items()},
        "memory": machine.memory,
        "pods": max_pods,
    }


def allocatable_of(capacity: Mapping[str, int], kept: Mapping[str, int]) -> dict[str, int]:
    """Return what pods may have of it: huge pages are memory that is no longer there for anything else."""
    huge = sum(amount for name, amount in capacity.items() if name.startswith(_HUGE_PAGES))
    spare = {name: amount - kept.get(name, 0) for name, amount in capacity.items()}
    spare["memory"] -= huge
    return {name: max(0, amount) for name, amount in spare.items()}


def overcommitted(machine: Machine, settings: NodeSettings) -> str:
    """Say what is kept from pods although the machine does not have as much; empty when all is well."""
    capacity = capacity_of(machine, settings.max_pods)
    for name, amount in settings.kept.items():
        if amount > capacity.get(name, amount):
            return f"{amount} of {name} are kept from pods, but the machine has {capacity[name]} in all"
    return ""


_HUGE_PAGES = "hugepages-"


def _huge_pages(size: int) -> str:
    return _HUGE_PAGES + _binary(size)


def _shown(amounts: Mapping[str, int]) -> dict[str, Quantity]:
    """Return amounts as upstream's kubelet writes them: 1900m, 4046844Ki."""
    return {name: _amount(name, amount) for name, amount in amounts.items()}


def _amount(name: str, amount: int) -> str:
    match name:
        case "cpu":
            return quantity.canonical(f"{amount}m")
        case "memory" | "ephemeral-storage":
            return f"{amount // 1024}Ki"
    return str(amount) if name == "pods" else _binary(amount)


def _binary(amount: int) -> str:
    return quantity.render(quantity.Amount(amount * 10**9, "Binary"))


def render_handlers(runtime: RuntimeStatus) -> list[NodeRuntimeHandler]:
    """Return what each handler can do for pods, where the runtime says so.

    No pod gets a user namespace from this agent, whatever the runtime could do.
    """
    return [
        NodeRuntimeHandler(
            name=one.name,
            features=NodeRuntimeHandlerFeatures(
                recursive_read_only_mounts=one.recursive_read_only, user_namespaces=False
            ),
        )
        for one in sorted(runtime.handlers, key=lambda one: one.name)
    ]


def render_features(runtime: RuntimeStatus) -> NodeFeatures | None:
    if runtime.strict_groups is None:
        return None
    return NodeFeatures(supplemental_groups_policy=runtime.strict_groups)


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
        swap=NodeSwapStatus(capacity=machine.swap) if machine.swap else None,
        system_uuid=machine.system_uuid,
    )


def render_conditions(observed: Observed, previous: Sequence[NodeCondition], now: datetime) -> list[NodeCondition]:
    """Return the kubelet's four conditions, then those that somebody else keeps."""
    short = observed.pressures
    wanted = [
        _pressure("MemoryPressure", "MemoryPressure" in short, "Memory", "memory"),
        _pressure("DiskPressure", "DiskPressure" in short, "Disk", "disk"),
        _pressure("PIDPressure", "PIDPressure" in short, "PID", "PID"),
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
