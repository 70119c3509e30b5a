"""TaintNodesByCondition: a new node gets no pods before it has said that it is ready."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin

NOT_READY = "node.kubernetes.io/not-ready"


class TaintNodesByCondition(Plugin):
    """Taints new nodes; the node lifecycle controller takes the taint away."""

    name = "TaintNodesByCondition"
    looks_at = frozenset({"nodes"})

    async def mutate(self, attributes: Attributes) -> None:
        node = attributes.document
        if node is None or not attributes.is_for("nodes", Operation.CREATE):
            return
        spec = node.setdefault("spec", {})
        taints = spec.get("taints") or []
        if not any((taint.get("key"), taint.get("effect")) == (NOT_READY, "NoSchedule") for taint in taints):
            spec["taints"] = [*taints, {"key": NOT_READY, "effect": "NoSchedule"}]
