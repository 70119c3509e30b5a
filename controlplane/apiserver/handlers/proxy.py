"""pods/proxy, services/proxy and nodes/proxy: any method, any path, carried to where the object is.

/api/v1/namespaces/shop/services/https:web:main/proxy/login?next=/   ──►   https://10.244.1.7:8443/login?next=/
"""

from __future__ import annotations

import ipaddress
import ssl
from functools import cache

from controlplane.api.core_v1 import Node, Pod, Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.api.status import BadRequest, ServiceUnavailable
from controlplane.apiserver.calls import Call
from controlplane.apiserver.handlers.connecting import admit_connection
from controlplane.apiserver.messages import Answer, Response
from controlplane.apiserver.node_dialer import DEFAULT_PORT, address_of
from controlplane.apiserver.proxying.dialer import Destination, Unreachable
from controlplane.apiserver.proxying.forward import forward
from controlplane.apiserver.proxying.headers import is_upgrade
from controlplane.apiserver.proxying.location import Rewrite
from controlplane.apiserver.proxying.target import Named, parse_name, remaining_path
from controlplane.apiserver.service_resolver import Address, Unresolvable, by_endpoint, slices_of
from controlplane.apiserver.tls import unverified_context


async def proxy_pod(call: Call) -> Answer:
    """Pass a request on to a port of a pod, the first one that it declares if none is named."""
    named = _named(call, "pod")
    pod: Pod = call.storage.object(await call.storage.read(call.info.namespace, named.name))
    await admit_connection(call)
    host = pod.status.pod_ips[0].ip if pod.status and pod.status.pod_ips else ""
    if not _may_be_called(host):
        raise BadRequest("address not allowed")
    port = _number(named.port) if named.port else _first_port(pod) or (443 if named.https else 80)
    return await _proxied(call, _plain(Address(host, port), named))


async def proxy_service(call: Call) -> Answer:
    """Pass a request on to a ready endpoint of a Service."""
    named = _named(call, "service")
    service: Service = call.storage.object(await call.storage.read(call.info.namespace, named.name))
    await admit_connection(call)
    storage = call.backend.storage("discovery.k8s.io", "v1", "endpointslices")
    of_namespace: list[EndpointSlice] = [storage.object(item) for item in storage.cache.list(f"{call.info.namespace}/")]
    port = int(named.port) if named.port.isdecimal() else named.port
    try:
        address = by_endpoint(service, slices_of(service, of_namespace), port, call.backend.random)
    except Unresolvable as error:
        raise ServiceUnavailable(f'no endpoints available for service "{named.name}"') from error
    return await _proxied(call, _plain(address, named))


async def proxy_node(call: Call) -> Answer:
    """Pass a request on to the node agent, or to another port of the node."""
    named = _named(call, "node")
    node: Node = call.storage.object(await call.storage.read("", named.name))
    await admit_connection(call)
    address = address_of(node, call.backend.node_address_types)
    if address is None:
        raise ServiceUnavailable(f"no preferred addresses found; known addresses: [] of node {named.name}")
    port = _number(named.port) if named.port else address.port
    if port not in (address.port, DEFAULT_PORT):
        return await _proxied(call, _plain(Address(address.host, port), named))
    tls = call.backend.nodes.tls
    if tls is None:
        raise ServiceUnavailable("error trying to reach service: this API server has no client certificate for nodes")
    return await _proxied(call, Destination(address.host, port, tls))


def _named(call: Call, kind: str) -> Named:
    named = parse_name(call.info.name)
    if named is None:
        raise BadRequest(f'invalid {kind} request "{call.info.name}"')
    return named


async def _proxied(call: Call, destination: Destination) -> Answer:
    request = call.request
    path, _, query = (request.target or _target(call)).partition("?")
    rest = remaining_path(path)
    if not rest and request.method in ("GET", "HEAD") and not is_upgrade(request.headers):
        # Relative links of a page are relative to its last slash: without one they would leave the proxy.
        return Response(301, b"", headers={"Location": path + "/" + (f"?{query}" if query else "")})
    prefix = path.removesuffix(rest) if rest else path
    rewrite = Rewrite(prefix, destination.authority, request.headers.get("Host", ""))
    try:
        return await forward(
            request,
            call.backend.dialer,
            destination,
            (rest or "/") + (f"?{query}" if query else ""),
            extra={"X-Forwarded-Uri": path},
            rewrite=rewrite,
        )
    except Unreachable as error:
        raise ServiceUnavailable(f"error trying to reach service: {error}") from error


def _target(call: Call) -> str:
    return call.request.path + (f"?{call.request.query.text}" if call.request.query.text else "")


def _plain(address: Address, named: Named) -> Destination:
    return Destination(address.host, address.port, _anybody() if named.https else None)


@cache
def _anybody() -> ssl.SSLContext:
    return unverified_context()


def _may_be_called(host: str) -> bool:
    """Return whether an address a pod claims is one of the pod network's rather than the server's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


def _first_port(pod: Pod) -> int:
    for container in pod.spec.containers if pod.spec else ():
        for port in container.ports:
            return port.container_port or 0
    return 0


def _number(port: str) -> int:
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadRequest(f'invalid port "{port}"')
    return int(port)
