"""GET of what nodes and pods use: worked out when somebody asks, never stored.

Which of them are meant, selectors say of the nodes and pods themselves, whose labels and fields are known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controlplane.api.codec import Document, to_document
from controlplane.api.core_v1 import Node, Pod
from controlplane.api.meta_v1 import StatusDetails
from controlplane.api.metrics_v1beta1 import GROUP, NodeMetrics, PodMetrics
from controlplane.api.resources import Resource
from controlplane.api.status import NotFound
from controlplane.apiserver.answers import document_answer, partial, partial_list
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Response
from controlplane.apiserver.negotiation import PARTIAL, PARTIAL_LIST, TABLE
from controlplane.apiserver.node_dialer import NodeAddress, address_of
from controlplane.apiserver.options import list_options
from controlplane.apiserver.selection import Page, scope_of, select
from controlplane.apiserver.storage import ResourceStorage
from controlplane.apiserver.usage.documents import node_metrics, pod_metrics
from controlplane.apiserver.usage.rates import rate_of_node, rates_of_pod


async def get_usage(call: Call) -> Response:
    """Answer what one node or pod uses; 404 as long as that is not known."""
    shown = call.accepts(TABLE, PARTIAL)
    storage, info = _measured(call), call.info
    found = await _used(call, [storage.decoded(await storage.read(info.namespace, info.name))])
    if not found:
        raise _unknown(info.namespace, info.name)
    if shown.form == TABLE:
        return document_answer(_table(call, found, {}), shown)
    return document_answer(partial(found[0]) if shown.form == PARTIAL else found[0], shown)


async def list_usage(call: Call) -> Response:
    """Answer what those use of whom it is known; the others are left out."""
    options, shown = list_options(call.request.query), call.accepts(TABLE, PARTIAL_LIST)
    storage = _measured(call)
    page = await select(scope_of(storage, call.info.namespace, options), options, call.backend.clock)
    await storage.ready(page.items)
    found = await _used(call, [storage.object(item) for item in page.items])
    metadata = _metadata(page)
    if shown.form == TABLE:
        return document_answer(_table(call, found, metadata), shown)
    if shown.form == PARTIAL_LIST:
        return document_answer(partial_list(found, metadata), shown)
    resource = _resource(call)
    items = [{key: value for key, value in one.items() if key not in ("apiVersion", "kind")} for one in found]
    whole = {
        "kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata, "items": items,
    }  # fmt: skip
    return document_answer(whole, shown)


def _resource(call: Call) -> Resource:
    return call.backend.catalog.resources[call.info.group, call.info.version, call.info.resource]


def _measured(call: Call) -> ResourceStorage:
    """Return the storage of the nodes or pods themselves."""
    return call.backend.storage("", "v1", call.info.resource)


async def _used(call: Call, objects: Sequence[Any]) -> list[Document]:
    """Return what objects use, of whom that is known."""
    now = call.backend.clock.now()
    found: list[NodeMetrics | PodMetrics] = []
    if call.info.resource == "nodes":
        readings = await call.backend.usage.readings(_addresses(call, {one.metadata.name: one for one in objects}))
        for node in objects:
            pair = readings.get(node.metadata.name)
            rate = rate_of_node(*pair) if pair is not None else None
            if rate is not None:
                found.append(node_metrics(node, rate, now))
    else:
        pods: list[Pod] = [one for one in objects if one.spec is not None and one.spec.node_name]
        readings = await call.backend.usage.readings(_addresses(call, _nodes_of(call, pods)))
        for pod in pods:
            pair = readings.get(pod.spec.node_name)
            rates = rates_of_pod(*pair, (pod.metadata.namespace, pod.metadata.name)) if pair is not None else {}
            if rates:
                found.append(pod_metrics(pod, rates, now))
    return [to_document(one) for one in found]


def _nodes_of(call: Call, pods: Sequence[Pod]) -> Mapping[str, Node]:
    nodes = call.backend.storage("", "v1", "nodes")
    names = {pod.spec.node_name for pod in pods}
    items = {name: nodes.cache.get(nodes.key("", name)) for name in sorted(names)}
    return {name: nodes.object(item) for name, item in items.items() if item is not None}


def _addresses(call: Call, nodes: Mapping[str, Node]) -> Mapping[str, NodeAddress]:
    found = {name: address_of(node, call.backend.node_address_types) for name, node in nodes.items()}
    return {name: address for name, address in found.items() if address is not None}


def _metadata(page: Page) -> Document:
    return {"continue": page.continue_} if page.continue_ else {}


def _unknown(namespace: str, name: str) -> NotFound:
    """The node or pod is there, but nothing is known of it; in metrics-server's words."""
    kind, named = ("podmetrics", f"{namespace}/{name}") if namespace else ("nodemetrics", name)
    return NotFound(f'{kind}.{GROUP} "{named}" not found', details=StatusDetails(name=named, group=GROUP, kind=kind))


def _table(call: Call, found: list[Document], metadata: Document) -> Document:
    from controlplane.apiserver.tables.render import render_table  # as late as for any other kind

    included = call.request.query.get("includeObject") or "Metadata"
    return render_table(
        _resource(call), found, now=call.backend.clock.now(), include_object=included, list_metadata=metadata
    )
