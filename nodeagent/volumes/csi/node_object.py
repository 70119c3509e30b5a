"""CSINode, and what Node says of drivers: schedulers and provisioners decide by it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from controlplane.api.core_v1 import Node
from controlplane.api.meta_v1 import ObjectMeta, OwnerReference
from controlplane.api.status import AlreadyExists, Conflict, NotFound
from controlplane.api.storage_v1 import CSINode, CSINodeDriver, CSINodeSpec, VolumeNodeResources
from controlplane.client.client import Client

_NODE_IDS = "csi.volume.kubernetes.io/nodeid"


class NodeObject:
    """Keeps both objects of one node."""

    def __init__(self, client: Client, name: str):
        self._client, self._name = client, name

    async def add(self, driver: str, node_id: str, max_volumes: int, segments: Mapping[str, str]) -> None:
        """Say that a driver is here. Raises StatusError, Unreachable."""
        count = VolumeNodeResources(count=max_volumes) if max_volumes > 0 else None
        wanted = CSINodeDriver(name=driver, node_id=node_id, topology_keys=sorted(segments), allocatable=count)
        await self._update_node(driver, node_id, segments)
        await self._update(driver, wanted)

    async def remove(self, driver: str) -> None:
        """Say that a driver is gone. Raises StatusError, Unreachable."""
        await self._update(driver, None)
        await self._update_node(driver, None, {})

    async def _update(self, driver: str, wanted: CSINodeDriver | None) -> None:
        while True:
            try:
                found = await self._client.get(CSINode, self._name)
            except NotFound:
                found = None
            drivers = with_driver(found.spec.drivers if found else (), driver, wanted)
            try:
                if found is None:
                    await self._client.create(await self._new(drivers))
                elif drivers != found.spec.drivers:
                    await self._client.update(replace(found, spec=replace(found.spec, drivers=drivers)))
            except (AlreadyExists, Conflict):
                continue  # it changed meanwhile: look again
            return

    async def _new(self, drivers: list[CSINodeDriver]) -> CSINode:
        node = await self._client.get(Node, self._name)
        owner = OwnerReference(api_version="v1", kind="Node", name=self._name, uid=node.metadata.uid)
        return CSINode(
            api_version="storage.k8s.io/v1",
            kind="CSINode",
            metadata=ObjectMeta(name=self._name, owner_references=[owner]),
            spec=CSINodeSpec(drivers=drivers),
        )

    async def _update_node(self, driver: str, node_id: str | None, segments: Mapping[str, str]) -> None:
        while True:
            found = await self._client.get(Node, self._name)
            meta = found.metadata
            annotations = with_node_id(meta.annotations, driver, node_id)
            labels = {**meta.labels, **segments}
            if (annotations, labels) == (meta.annotations, meta.labels):
                return
            try:
                await self._client.update(
                    replace(found, metadata=replace(meta, annotations=annotations, labels=labels))
                )
            except Conflict:
                continue
            return


def with_driver(drivers: Iterable[CSINodeDriver], name: str, wanted: CSINodeDriver | None) -> list[CSINodeDriver]:
    """Return the drivers with one of them as wanted, or without it."""
    others = [one for one in drivers if one.name != name]
    return [*others, wanted] if wanted else others


def with_node_id(annotations: Mapping[str, str], driver: str, node_id: str | None) -> dict[str, str]:
    """Return a Node's annotations with what a driver calls it, or without."""
    ids = json.loads(annotations.get(_NODE_IDS, "{}"))
    kept = {name: known for name, known in ids.items() if name != driver} | ({driver: node_id} if node_id else {})
    others = {key: value for key, value in annotations.items() if key != _NODE_IDS}
    return {**others, _NODE_IDS: json.dumps(kept, sort_keys=True, separators=(",", ":"))} if kept else others
