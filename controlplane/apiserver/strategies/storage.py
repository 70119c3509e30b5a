"""Storage classes and capacities: zones and regions under the labels that nodes had once are warned of."""

from __future__ import annotations

from typing import Any

from controlplane.api.storage_v1 import CSIStorageCapacity, StorageClass
from controlplane.apiserver.strategies.base import Strategy
from controlplane.apiserver.strategies.pod_warnings import OLD_NODE_LABELS
from controlplane.apiserver.strategies.simple import CarefulStrategy


class StorageClassStrategy(Strategy):
    def warnings(self, obj: Any) -> list[str]:
        storage_class: StorageClass = obj
        return [
            f"allowedTopologies[{index}].matchLabelExpressions[{number}].key: {OLD_NODE_LABELS[requirement.key]}"
            for index, term in enumerate(storage_class.allowed_topologies)
            for number, requirement in enumerate(term.match_label_expressions)
            if requirement.key in OLD_NODE_LABELS
        ]


class CSIStorageCapacityStrategy(CarefulStrategy):
    def warnings(self, obj: Any) -> list[str]:
        capacity: CSIStorageCapacity = obj
        expressions = capacity.node_topology.match_expressions if capacity.node_topology else []
        return [
            f"nodeTopology.matchExpressions[{index}].key: {OLD_NODE_LABELS[requirement.key]}"
            for index, requirement in enumerate(expressions)
            if requirement.key in OLD_NODE_LABELS
        ]
