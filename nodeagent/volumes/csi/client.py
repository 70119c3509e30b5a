"""Calls to one CSI driver's node service. They block, as the mounts behind them do."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

import grpc

from nodeagent.volumes.csi import csi_pb2 as csi

M = TypeVar("M")

_TIMEOUT = 120.0  # seconds: upstream's, for calls that mount
_INFO_TIMEOUT = 10.0


class DriverFailed(OSError):
    """A driver did not do what it was asked to do."""


class NodeClient:
    """A connection for the length of a block."""

    def __init__(self, endpoint: str):
        # Drivers in Go refuse the default authority, the percent-encoded path of the socket.
        self._channel = grpc.insecure_channel(f"unix://{endpoint}", options=[("grpc.default_authority", "localhost")])

    def __enter__(self) -> NodeClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def info(self) -> csi.NodeGetInfoResponse:
        """Return what the driver calls this node. Raises DriverFailed, as all calls."""
        return self._call("NodeGetInfo", csi.Nothing(), csi.NodeGetInfoResponse, _INFO_TIMEOUT)

    def capabilities(self) -> frozenset[int]:
        """Return what the driver can do: values of NodeServiceCapability.RPC.Type."""
        answer = self._call("NodeGetCapabilities", csi.Nothing(), csi.NodeGetCapabilitiesResponse, _INFO_TIMEOUT)
        return frozenset(one.rpc.type for one in answer.capabilities)

    def stage(self, request: csi.NodeStageVolumeRequest) -> None:
        self._call("NodeStageVolume", request, csi.Nothing, _TIMEOUT)

    def unstage(self, request: csi.NodeUnstageVolumeRequest) -> None:
        self._call("NodeUnstageVolume", request, csi.Nothing, _TIMEOUT)

    def publish(self, request: csi.NodePublishVolumeRequest) -> None:
        self._call("NodePublishVolume", request, csi.Nothing, _TIMEOUT)

    def unpublish(self, request: csi.NodeUnpublishVolumeRequest) -> None:
        self._call("NodeUnpublishVolume", request, csi.Nothing, _TIMEOUT)

    def _call(self, method: str, request: object, response: type[M], timeout: float) -> M:
        parse = response.FromString  # type: ignore[attr-defined]
        call = self._channel.unary_unary(f"/csi.v1.Node/{method}", lambda sent: sent.SerializeToString(), parse)
        try:
            answer: M = call(request, timeout=timeout)
        except grpc.RpcError as error:
            code = "".join(word.capitalize() for word in error.code().name.split("_"))
            raise DriverFailed(f"rpc error: code = {code} desc = {error.details()}") from error
        return answer
