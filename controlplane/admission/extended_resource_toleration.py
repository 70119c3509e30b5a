"""ExtendedResourceToleration: a pod that asks for a device may run on the nodes that are kept for such pods."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document
from controlplane.api.validation.resources import is_extended


class ExtendedResourceToleration(Plugin):
    """Lets pods tolerate a taint whose key is the name of a resource that they ask for."""

    name = "ExtendedResourceToleration"
    looks_at = frozenset({"pods"})

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE, Operation.UPDATE):
            return
        spec = pod.get("spec") or {}
        for name in sorted(set(filter(is_extended, _requested(spec)))):
            wanted = {"key": name, "operator": "Exists", "effect": "NoSchedule"}
            tolerations: list[Document] = [*(spec.get("tolerations") or ())]
            if wanted not in tolerations:
                spec["tolerations"] = [*tolerations, wanted]


def _requested(spec: Document) -> list[str]:
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return [name for one in containers for name in ((one.get("resources") or {}).get("requests") or {})]
