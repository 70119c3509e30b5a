"""NetworkUnavailable: the node's condition that whoever provides the pod network keeps, as flannel does."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.codec import to_document
from controlplane.api.core_v1 import Node, NodeCondition
from controlplane.client.client import Client, PatchType
from controlplane.kit.timestamps import format_time

_TYPE = "NetworkUnavailable"


async def say_the_network_is_up(client: Client, node: Node, now: datetime) -> bool:
    """Set the condition to False unless it is; return whether it was written. Raises StatusError, Unreachable.

    While it is True, as some cloud providers set it on a new node, pods with a network of their own do not come.
    """
    if any(one.type == _TYPE and one.status == "False" for one in node.status.conditions):
        return False
    moment = format_time(now)
    condition = NodeCondition(
        type=_TYPE,
        status="False",
        reason="FlannelIsUp",
        message="Flannel is running on this node",
        last_heartbeat_time=moment,
        last_transition_time=moment,
    )
    patch = {"status": {"conditions": [to_document(condition)]}}
    await client.patch(Node, node.metadata.name, patch, kind=PatchType.STRATEGIC, subresource="status")
    return True
