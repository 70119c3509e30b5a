"""DefaultTolerationSeconds: a pod stays on a node that stopped answering for five minutes, unless it says otherwise."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document

TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
DEFAULT_SECONDS = 300


class DefaultTolerationSeconds(Plugin):
    """Adds the two tolerations that a pod does not have."""

    name = "DefaultTolerationSeconds"
    looks_at = frozenset({"pods"})

    def __init__(self, not_ready: int = DEFAULT_SECONDS, unreachable: int = DEFAULT_SECONDS):
        self._seconds = dict(zip(TAINTS, (not_ready, unreachable), strict=True))

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE, Operation.UPDATE):
            return
        spec = pod.setdefault("spec", {})
        tolerations = spec.get("tolerations") or []
        missing = [taint for taint in TAINTS if not any(_tolerates(one, taint) for one in tolerations)]
        if missing:
            spec["tolerations"] = [*tolerations, *(self._toleration(taint) for taint in missing)]

    def _toleration(self, taint: str) -> Document:
        return {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": self._seconds[taint]}


def _tolerates(toleration: Document, taint: str) -> bool:
    """Any word the pod says about the taint counts, whatever its operator, value and seconds."""
    return toleration.get("key", "") in ("", taint) and toleration.get("effect", "") in ("", "NoExecute")
