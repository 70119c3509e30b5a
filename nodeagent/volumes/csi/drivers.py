"""The CSI drivers of this node, as their registration sockets tell of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from controlplane.api.status import StatusError
from controlplane.client.transport import Unreachable
from nodeagent.volumes.csi import csi_pb2 as csi
from nodeagent.volumes.csi.client import DriverFailed, NodeClient
from nodeagent.volumes.csi.node_object import NodeObject

_log = logging.getLogger(__name__)


class DriverRefused(Exception):
    """A driver cannot be taken; why, as it is told."""


class Drivers:
    """Where each driver listens. The plug-in room registers them, threads that make volumes ask."""

    def __init__(self, node: NodeObject):
        self._node = node
        self._endpoints: dict[str, str] = {}

    def endpoint(self, name: str) -> str:
        """Return a driver's socket. Raises DriverFailed."""
        try:
            return self._endpoints[name]
        except KeyError:
            raise DriverFailed(f"driver name {name} not found in the list of registered CSI drivers") from None

    async def register(self, name: str, endpoint: str, versions: Sequence[str]) -> None:
        """Take a driver, and say in CSINode and Node that it is here. Raises DriverRefused."""
        if not any(version.removeprefix("v").split(".")[0] == "1" for version in versions):
            spoken = ", ".join(versions)
            raise DriverRefused(f"driver {name} speaks versions {spoken} of CSI, this node agent speaks 1.x")
        try:
            info = await asyncio.to_thread(_info, endpoint)
            await self._node.add(name, info.node_id, info.max_volumes_per_node, info.accessible_topology.segments)
        except (DriverFailed, StatusError, Unreachable) as error:
            raise DriverRefused(f"error updating CSINode object with CSI driver node info: {error}") from error
        self._endpoints[name] = endpoint
        _log.info("CSI driver %s is registered", name)

    async def deregister(self, name: str) -> None:
        """Forget a driver whose socket is gone. Raises StatusError, Unreachable."""
        self._endpoints.pop(name, None)
        await self._node.remove(name)
        _log.info("CSI driver %s is gone", name)


def _info(endpoint: str) -> csi.NodeGetInfoResponse:
    with NodeClient(endpoint) as client:
        return client.info()
