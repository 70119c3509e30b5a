"""LimitPodHardAntiAffinityTopology: a pod may keep others off its node, but not off its whole zone."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin

_ALLOWED = "kubernetes.io/hostname"


class LimitPodHardAntiAffinityTopology(Plugin):
    """Refuses required anti-affinity over anything wider than a node."""

    name = "LimitPodHardAntiAffinityTopology"
    looks_at = frozenset({"pods"})

    async def validate(self, attributes: Attributes) -> None:
        if attributes.document is None or not attributes.is_for("pods", Operation.CREATE, Operation.UPDATE):
            return
        affinity = (attributes.document.get("spec") or {}).get("affinity") or {}
        apart = affinity.get("podAntiAffinity") or {}
        for term in apart.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
            if term.get("topologyKey") != _ALLOWED:
                raise attributes.forbidden(
                    "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey "
                    f"{term.get('topologyKey') or ''} but only key {_ALLOWED} is allowed"
                )
