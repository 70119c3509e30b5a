"""What only a node can answer: logs, exec, attach and port-forward. Carried, not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial

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
from controlplane.apiserver.answers import once
from controlplane.apiserver.calls import Call
from controlplane.apiserver.handlers.connecting import admit_connection
from controlplane.apiserver.messages import Answer, Query, Response, Stream, Switch, Upgrade, WebSocket
from controlplane.apiserver.node_dialer import NodeAddress, NodeAnswer, NodeRefused, NodeUnreachable, address_of
from controlplane.apiserver.pod_connections import forwarded_ports, log_target, port_forward_target, stream_target
from controlplane.apiserver.proxying.forward import Chunks
from controlplane.apiserver.proxying.headers import offered_protocols
from controlplane.apiserver.streams import channels, messages, spdy_channels
from controlplane.apiserver.streams.port_forward import relay_bytes, relay_channels
from controlplane.apiserver.streams.protocols import (
    ACCEPTED_VERSIONS,
    PORT_FORWARD,
    SPDY,
    SPDY_VERSIONS,
    STREAM_VERSION,
    TUNNELLED,
    V4,
    V5,
    Channel,
    framing_of,
    negotiated,
)
from controlplane.apiserver.websocket import join

_TEXT = "text/plain"


async def log(call: Call) -> Answer:
    """Answer with a container's log, following it if asked."""
    pod = await _pod(call)
    target = log_target(pod, call.request.query)
    if not pod.spec or not pod.spec.node_name:
        return _told(call, Stream(200, once(b""), _TEXT, length=0))  # nothing can have been written yet
    answer = await _open(call, await _node(call, pod.spec.node_name), target)
    return _told(call, Stream(200, answer.chunks, _TEXT))


def _told(call: Call, stream: Stream) -> Answer:
    headers = call.request.headers
    return messages.log(stream, headers) if messages.wants_websocket(headers) else stream


async def execute(call: Call) -> Answer:
    return await _commanded(call, "exec")


async def attach(call: Call) -> Answer:
    return await _commanded(call, "attach")


async def _pod(call: Call) -> Pod:
    pod: Pod = call.storage.decoded(await call.storage.read(call.info.namespace, call.info.name))
    if call.info.subresource != "log":  # which is a GET, and no connection
        await admit_connection(call)
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


async def _commanded(call: Call, action: str) -> Answer:
    """Answer exec or attach in the caller's protocol. Raises BadRequest, ServiceUnavailable."""
    pod = await _pod(call)
    request = call.request
    target = stream_target(action, pod, request.query)
    if _asks_for_spdy(request.headers):
        protocol, asked = negotiated(request.headers, SPDY_VERSIONS)
        if asked and not protocol:
            return _no_common_protocol(asked, SPDY_VERSIONS)
        _, node = await _dial(call, pod, target, (V5, V4))
        relay = partial(spdy_channels.relay, node, spdy_channels.expected_channels(request.query, protocol), protocol)
        return Switch(relay, _switched(protocol))
    offered = offered_protocols(request.headers)
    framing = framing_of(offered)
    if framing is None:
        raise BadRequest(f"none of the WebSocket protocols {offered} is known")
    if framing.protocol in (V5, V4):
        protocol, node = await _dial(call, pod, target, (framing.protocol,))
        return Upgrade(protocol, partial(_join, node))
    _, node = await _dial(call, pod, target, (V4,))
    first = next(
        (one for one in (Channel.STDOUT, Channel.STDERR) if request.query.flag(one.name.lower())), Channel.ERROR
    )
    return Upgrade(framing.protocol, partial(channels.relay, node, framing, first))


async def port_forward(call: Call) -> Answer:
    """Answer a port-forward in the caller's protocol. Raises BadRequest, ServiceUnavailable."""
    pod = await _pod(call)
    request = call.request
    if _asks_for_spdy(request.headers):
        protocol, asked = negotiated(request.headers, (PORT_FORWARD,))
        if asked and not protocol:
            return _no_common_protocol(asked, (PORT_FORWARD,))
        _, node = await _dial(call, pod, port_forward_target(pod, request.query), (TUNNELLED,))
        return Switch(partial(relay_bytes, node), _switched(protocol))
    offered = offered_protocols(request.headers)
    ports = forwarded_ports(request.query)
    if TUNNELLED in offered or not ports:
        protocol, node = await _dial(call, pod, port_forward_target(pod, request.query), offered)
        return Upgrade(protocol, partial(_join, node))
    framing = framing_of(offered)
    if framing is None:
        raise BadRequest(f"none of the WebSocket protocols {offered} is known")
    _, node = await _dial(call, pod, port_forward_target(pod, Query("")), (TUNNELLED,))
    return Upgrade(framing.protocol, partial(relay_channels, node, ports, framing))


def _asks_for_spdy(headers: Mapping[str, str]) -> bool:
    """Return which of the two upgrades is asked for. Raises BadRequest for anything else."""
    wanted = headers.get("Upgrade", "").lower()
    if wanted not in ("websocket", SPDY.lower()):
        raise BadRequest("Upgrade request required")
    return wanted != "websocket"


def _no_common_protocol(asked: Sequence[str], served: Sequence[str]) -> Response:
    supports, accepts = " ".join(asked), " ".join(served)
    text = f"unable to upgrade: unable to negotiate protocol: client supports [{supports}], server accepts [{accepts}]"
    return Response(403, text.encode() + b"\n", _TEXT, {ACCEPTED_VERSIONS: ", ".join(served)})


def _switched(protocol: str) -> dict[str, str]:
    version = {STREAM_VERSION: protocol} if protocol else {}
    return {"Connection": "Upgrade", "Upgrade": SPDY, **version}


async def _dial(call: Call, pod: Pod, target: str, protocols: Sequence[str]) -> tuple[str, WebSocket]:
    """Open a WebSocket to the pod's node. Raises BadRequest, NotFound, ServiceUnavailable, InternalError."""
    if not pod.spec or not pod.spec.node_name:
        raise BadRequest(f"pod {pod.metadata.name} does not have a host assigned")
    address = await _node(call, pod.spec.node_name)
    try:
        return await call.backend.nodes.websocket(address, target, protocols)
    except NodeRefused as error:
        raise _failure(error.status, error.message) from error
    except NodeUnreachable as error:
        raise ServiceUnavailable(f"error dialing backend: {error}") from error


async def _join(node: WebSocket, caller: WebSocket) -> None:
    await join(caller, node)
