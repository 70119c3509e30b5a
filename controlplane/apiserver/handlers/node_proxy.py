"""What only a node can answer: logs, exec, attach and port-forward. Carried, not understood."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from controlplane.admission.interface import Attributes, Operation
from controlplane.api.core_v1 import Node, Pod
from controlplane.api.meta_v1 import StatusDetails
from controlplane.api.status import (
    BadRequest,
    Forbidden,
    InternalError,
    NotFound,
    ServiceUnavailable,
    StatusError,
    not_found,
)
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Answer, Response, Stream, Upgrade, WebSocket
from controlplane.apiserver.node_dialer import NodeAddress, NodeAnswer, NodeRefused, NodeUnreachable, address_of
from controlplane.apiserver.pod_connections import log_target, port_forward_target, stream_target
from controlplane.apiserver.proxying.forward import Chunks
from controlplane.apiserver.websocket import join

_TEXT = "text/plain"


async def log(call: Call) -> Answer:
    """Answer with a container's log, following it if asked."""
    pod = await _pod(call)
    target = log_target(pod, call.request.query)
    if not pod.spec or not pod.spec.node_name:
        return Response(200, b"", _TEXT)  # nothing can have been written yet
    answer = await _open(call, await _node(call, pod.spec.node_name), target)
    return Stream(200, answer.chunks, _TEXT)


async def execute(call: Call) -> Answer:
    pod = await _pod(call)
    return await _upgrade(call, pod, stream_target("exec", pod, call.request.query))


async def attach(call: Call) -> Answer:
    pod = await _pod(call)
    return await _upgrade(call, pod, stream_target("attach", pod, call.request.query))


async def port_forward(call: Call) -> Answer:
    pod = await _pod(call)
    return await _upgrade(call, pod, port_forward_target(pod, call.request.query))


async def _pod(call: Call) -> Pod:
    pod: Pod = call.storage.decoded(await call.storage.read(call.info.namespace, call.info.name))
    attributes = Attributes(
        operation=Operation.CONNECT,
        resource=call.storage.resource,
        name=call.info.name,
        user=call.user,
        namespace=call.info.namespace,
        subresource=call.info.subresource,
    )
    await call.backend.admission.validate(attributes)
    return pod


async def _node(call: Call, name: str) -> NodeAddress:
    """Return where a node agent listens. Raises NotFound, ServiceUnavailable."""
    nodes = call.backend.storage("", "v1", "nodes")
    await nodes.watch_cache.fresh()
    item = nodes.cache.get(nodes.key("", name))
    if item is None:
        raise not_found(nodes.resource, name)
    node: Node = nodes.object(item)
    address = address_of(node, call.backend.node_address_types)
    if address is None:
        raise ServiceUnavailable(f"no preferred addresses found; known addresses: [] of node {name}")
    return address


async def _open(call: Call, address: NodeAddress, target: str) -> NodeAnswer:
    """Ask a node agent; the connection is closed when the answer has been read or given up."""
    stack = AsyncExitStack()
    try:
        answer = await stack.enter_async_context(call.backend.nodes.request("GET", address, target, headers={}))
    except NodeUnreachable as error:
        raise ServiceUnavailable(f"error trying to reach service: {error}") from error
    if answer.status >= 400:
        async with stack:
            text = b"".join([chunk async for chunk in answer.chunks])[:2048].decode(errors="replace").strip()
        raise _failure(answer.status, text)
    return NodeAnswer(answer.status, answer.headers, Chunks(answer.chunks, stack))


def _failure(status: int, text: str) -> StatusError:
    kinds: dict[int, type[StatusError]] = {400: BadRequest, 403: Forbidden, 404: NotFound, 503: ServiceUnavailable}
    kind = kinds.get(status, InternalError)
    return kind(text or f"the node answered {status}", details=StatusDetails())


async def _upgrade(call: Call, pod: Pod, target: str) -> Answer:
    headers = call.request.headers
    if not pod.spec or not pod.spec.node_name:
        raise BadRequest(f"pod {pod.metadata.name} does not have a host assigned")
    if headers.get("Upgrade", "").lower() != "websocket":
        raise BadRequest("Upgrade request required")
    offered = [one.strip() for one in headers.get("Sec-WebSocket-Protocol", "").split(",") if one.strip()]
    address = await _node(call, pod.spec.node_name)
    try:
        protocol, node = await call.backend.nodes.websocket(address, target, offered)
    except NodeRefused as error:
        raise _failure(error.status, error.message) from error
    except NodeUnreachable as error:
        raise ServiceUnavailable(f"error dialing backend: {error}") from error
    return Upgrade(protocol, partial(_join, node))


async def _join(node: WebSocket, caller: WebSocket) -> None:
    await join(caller, node)
