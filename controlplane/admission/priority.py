"""Priority: the number behind a pod's priorityClassName, by which the scheduler orders its queue and preempts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document

# The largest value a user's class may have is 10^9; the system's own are above.
_SYSTEM = 2_000_000_000


@dataclass(frozen=True, slots=True)
class PriorityClass:
    """A name for a priority."""

    name: str
    value: int
    preemption_policy: str = "PreemptLowerPriority"


BUILT_IN: Mapping[str, PriorityClass] = {
    "system-cluster-critical": PriorityClass("system-cluster-critical", _SYSTEM),
    "system-node-critical": PriorityClass("system-node-critical", _SYSTEM + 1000),
}
DEFAULT = PriorityClass("", 0)


class Priority(Plugin):
    """Resolves the class of a new pod; a pod may not name the number itself."""

    name = "Priority"

    def __init__(self, find: Callable[[str], PriorityClass | None] = BUILT_IN.get):
        self._find = find

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE, Operation.UPDATE):
            return
        spec = pod.setdefault("spec", {})
        if attributes.operation is Operation.UPDATE:
            _keep(spec, (attributes.old or {}).get("spec") or {})
            return
        name = spec.get("priorityClassName") or ""
        chosen = self._find(name) if name else DEFAULT
        if chosen is None:
            raise attributes.forbidden(f"no PriorityClass with name {name} was found")
        if spec.get("priority") not in (None, chosen.value):
            raise attributes.forbidden(
                f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority "
                f"admission controller computed {chosen.value} from the given PriorityClass name"
            )
        if spec.get("preemptionPolicy") not in (None, chosen.preemption_policy):
            raise attributes.forbidden(
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
                f"priority admission controller computed {chosen.preemption_policy} from the given PriorityClass name"
            )
        spec["priority"], spec["preemptionPolicy"] = chosen.value, chosen.preemption_policy


def _keep(spec: Document, old: Document) -> None:
    """An update made from a manifest does not know the numbers; validation refuses it if it changes them."""
    for field in ("priority", "preemptionPolicy"):
        if spec.get(field) is None and old.get(field) is not None:
            spec[field] = old[field]
