"""PodTopologyLabels: a pod carries the zone and the region of its node, for its containers to read."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.core_v1 import Node
from controlplane.api.reader import ObjectReader

_LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


class PodTopologyLabels(Plugin):
    """Sets the labels of pods that come with a node, and adds them to pods that are bound."""

    name = "PodTopologyLabels"
    looks_at = frozenset({"pods"})

    def __init__(self, reader: ObjectReader):
        self._reader = reader

    async def mutate(self, attributes: Attributes) -> None:
        binding = attributes.is_for("pods", Operation.UPDATE, subresource="binding")
        pod = attributes.document
        if pod is None or not (binding or attributes.is_for("pods", Operation.CREATE)):
            return
        name = (pod.get("spec") or {}).get("nodeName")
        node = self._reader.get(Node, "", name) if name else None
        if node is None:  # a pod may be put on a node that is still to come
            return
        found = {key: node.metadata.labels[key] for key in _LABELS if key in node.metadata.labels}
        if found:
            metadata = pod["metadata"]
            labels = metadata.get("labels") or {}
            metadata["labels"] = {**found, **labels} if binding else {**labels, **found}
