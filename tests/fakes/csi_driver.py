"""A CSI driver that behaves: a volume is a directory, staged and published by bind mounts.

    with csi_driver(tmp_path, registry) as driver: ...     # listens, and registers in the directory `registry`

What it was asked is in `driver.calls`; `driver.fail_with` makes it refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from nodeagent.kernel import mounts
from nodeagent.plugins import registration_pb2 as registration
from nodeagent.volumes.csi import csi_pb2 as csi

NAME = "dirs.csi"  # short: the path of a socket has 107 characters at most
_RPC = csi.NodeServiceCapability.RPC


@dataclass
class CsiDriver:
    """The node service, and the registration service that tells of it."""

    root: Path  # its volumes and its socket
    name: str = NAME
    versions: tuple[str, ...] = ("1.0.0",)
    capabilities: tuple[int, ...] = (_RPC.STAGE_UNSTAGE_VOLUME,)
    segments: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    notified: list[tuple[bool, str]] = field(default_factory=list)
    fail_with: str = ""

    @property
    def socket(self) -> Path:
        return self.root / "csi.sock"

    def volume(self, handle: str) -> Path:
        path = self.root / "volumes" / handle
        path.mkdir(parents=True, exist_ok=True)
        return path

    def asked(self) -> list[str]:
        """Return the calls that mount or unmount, without their common prefix and suffix."""
        return [method.removeprefix("Node").removesuffix("Volume") for method, _ in self.calls if "Get" not in method]

    def request(self, method: str) -> Any:
        """Return what the last call of a method said."""
        return next(request for called, request in reversed(self.calls) if called == method)

    # The node service

    def stage(self, request: csi.NodeStageVolumeRequest) -> csi.Nothing:
        _bind(self.volume(request.volume_id), Path(request.staging_target_path))
        return csi.Nothing()

    def unstage(self, request: csi.NodeUnstageVolumeRequest) -> csi.Nothing:
        _unbind(Path(request.staging_target_path))
        return csi.Nothing()

    def publish(self, request: csi.NodePublishVolumeRequest) -> csi.Nothing:
        source = Path(request.staging_target_path) if request.staging_target_path else self.volume(request.volume_id)
        _bind(source, Path(request.target_path), read_only=request.readonly)
        return csi.Nothing()

    def unpublish(self, request: csi.NodeUnpublishVolumeRequest) -> csi.Nothing:
        _unbind(Path(request.target_path))
        return csi.Nothing()

    def get_capabilities(self, _: csi.Nothing) -> csi.NodeGetCapabilitiesResponse:
        every = [csi.NodeServiceCapability(rpc=_RPC(type=one)) for one in self.capabilities]  # type: ignore[arg-type]
        return csi.NodeGetCapabilitiesResponse(capabilities=every)

    def get_info(self, _: csi.Nothing) -> csi.NodeGetInfoResponse:
        topology = csi.Topology(segments=self.segments)
        return csi.NodeGetInfoResponse(node_id="the-node", max_volumes_per_node=7, accessible_topology=topology)

    def handlers(self) -> grpc.GenericRpcHandler:
        methods = {
            "NodeStageVolume": (self.stage, csi.NodeStageVolumeRequest),
            "NodeUnstageVolume": (self.unstage, csi.NodeUnstageVolumeRequest),
            "NodePublishVolume": (self.publish, csi.NodePublishVolumeRequest),
            "NodeUnpublishVolume": (self.unpublish, csi.NodeUnpublishVolumeRequest),
            "NodeGetCapabilities": (self.get_capabilities, csi.Nothing),
            "NodeGetInfo": (self.get_info, csi.Nothing),
        }
        made = {name: self._handler(name, method, request) for name, (method, request) in methods.items()}
        return grpc.method_handlers_generic_handler("csi.v1.Node", made)

    def _handler(self, name: str, method: Callable[[Any], Any], request: Any) -> Any:
        def answer(asked: Any, context: grpc.ServicerContext) -> Any:
            self.calls.append((name, asked))
            if self.fail_with and "Get" not in name:
                context.abort(grpc.StatusCode.INTERNAL, self.fail_with)
            return method(asked)

        return grpc.unary_unary_rpc_method_handler(answer, request.FromString, _encode)

    # Registration

    def registration_handlers(self) -> grpc.GenericRpcHandler:
        def get_info(_: Any, context: Any) -> Any:
            return registration.PluginInfo(
                type="CSIPlugin", name=self.name, endpoint=str(self.socket), supported_versions=self.versions
            )

        def notify(status: Any, context: Any) -> Any:
            self.notified.append((status.plugin_registered, status.error))
            return registration.RegistrationStatusResponse()

        made = {
            "GetInfo": grpc.unary_unary_rpc_method_handler(get_info, registration.InfoRequest.FromString, _encode),
            "NotifyRegistrationStatus": grpc.unary_unary_rpc_method_handler(
                notify, registration.RegistrationStatus.FromString, _encode
            ),
        }
        return grpc.method_handlers_generic_handler("pluginregistration.Registration", made)


@contextmanager
def csi_driver(root: Path, registry: Path, **settings: Any) -> Iterator[CsiDriver]:
    """Run a driver for a block; its registration socket disappears with it."""
    driver = CsiDriver(root, **settings)
    for directory in (root, registry):
        directory.mkdir(parents=True, exist_ok=True)
    registered = registry / f"{driver.name}-reg.sock"
    with _serving(driver.socket, driver.handlers()), _serving(registered, driver.registration_handlers()):
        yield driver


@contextmanager
def _serving(socket: Path, handler: grpc.GenericRpcHandler) -> Iterator[None]:
    server = grpc.server(ThreadPoolExecutor(4), handlers=[handler])
    server.add_insecure_port(f"unix://{socket}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()
        socket.unlink(missing_ok=True)


def _encode(message: Any) -> bytes:
    encoded: bytes = message.SerializeToString()
    return encoded


def _bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    target.mkdir(parents=True, exist_ok=True)
    if not mounts.is_mount_point(target):
        mounts.mount_bind(source, target, read_only=read_only)


def _unbind(target: Path) -> None:
    for mounted in mounts.mounted_below(target):
        mounts.unmount(mounted)
    if target.is_dir():
        target.rmdir()
