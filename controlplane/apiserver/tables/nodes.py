"""kubectl get nodes."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.core_v1 import Node, NodeSystemInfo
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer, wide
from controlplane.apiserver.tables.texts import NONE, UNKNOWN, age, or_none

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


def _node(node: Node, now: datetime) -> list[Cell]:
    info = node.status.node_info or NodeSystemInfo()
    return [
        node.metadata.name,
        _status(node),
        or_none(",".join(_roles(node))),
        age(node.metadata.creation_timestamp, now),
        info.kubelet_version,
        _address(node, "InternalIP"),
        _address(node, "ExternalIP"),
        info.os_image or UNKNOWN,
        info.kernel_version or UNKNOWN,
        info.container_runtime_version or UNKNOWN,
    ]


def _status(node: Node) -> str:
    ready = next((one.status for one in node.status.conditions if one.type == "Ready"), None)
    status = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return f"{status},SchedulingDisabled" if node.spec.unschedulable else status


def _roles(node: Node) -> list[str]:
    prefixed = {label.removeprefix(_ROLE_PREFIX) for label in node.metadata.labels if label.startswith(_ROLE_PREFIX)}
    return sorted((prefixed | {node.metadata.labels.get(_ROLE_LABEL, "")}) - {""})


def _address(node: Node, kind: str) -> str:
    return next((one.address for one in node.status.addresses if one.type == kind), NONE)


NODE = Printer(
    (
        NAME,
        Column("Status"),
        Column("Roles"),
        AGE,
        Column("Version"),
        wide("Internal-IP"),
        wide("External-IP"),
        wide("OS-Image"),
        wide("Kernel-Version"),
        wide("Container-Runtime"),
    ),
    _node,
)
