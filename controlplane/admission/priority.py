"""Priority: the number behind a pod's priorityClassName, by which the scheduler orders its queue and preempts."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.patience import found_soon
from controlplane.api.codec import Document
from controlplane.api.reader import ObjectReader
from controlplane.api.scheduling_v1 import PriorityClass
from controlplane.api.system_priorities import SYSTEM_PRIORITIES
from controlplane.kit.clock import Clock

# What a pod without a class has, where no class is for everybody.
_NO_CLASS = PriorityClass(value=0, preemption_policy="PreemptLowerPriority")


GROUP = "scheduling.k8s.io"


class Priority(Plugin):
    """Resolves the class of a new pod; a pod may not name the number itself. Only one class may be for everybody."""

    name = "Priority"
    looks_at = frozenset({"pods", "priorityclasses.scheduling.k8s.io"})

    def __init__(self, reader: ObjectReader, clock: Clock):
        self._reader, self._clock = reader, clock
        self._default: tuple[int, PriorityClass] = (-1, _NO_CLASS)  # as of a version of the reader

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE, Operation.UPDATE):
            return
        spec = pod.setdefault("spec", {})
        if attributes.operation is Operation.UPDATE:
            _keep(spec, (attributes.old or {}).get("spec") or {})
            return
        if spec.get("priorityClassName"):
            chosen = await self._find(attributes, spec["priorityClassName"])
        elif (chosen := self._for_everybody()).metadata.name:
            spec["priorityClassName"] = chosen.metadata.name
        _prioritise(attributes, spec, chosen)

    async def validate(self, attributes: Attributes) -> None:
        if attributes.name in SYSTEM_PRIORITIES and attributes.is_for("priorityclasses", Operation.DELETE, group=GROUP):
            raise attributes.forbidden("this is a system priority class and cannot be deleted")
        document = attributes.document
        writes = (Operation.CREATE, Operation.UPDATE)
        if document is None or not attributes.is_for("priorityclasses", *writes, group=GROUP):
            return
        other = self._for_everybody().metadata.name
        if document.get("globalDefault") and other and other != attributes.name:
            raise attributes.forbidden(
                f"PriorityClass {other} is already marked as default. Only one default can exist"
            )

    async def _find(self, attributes: Attributes, name: str) -> PriorityClass:
        chosen = await found_soon(self._reader, self._clock, PriorityClass, name)
        if chosen is None:
            raise attributes.forbidden(f"no PriorityClass with name {name} was found")
        return chosen

    def _for_everybody(self) -> PriorityClass:
        """Return the default class; two writers at once may have made two, of which the lower one counts."""
        version = self._reader.version(PriorityClass)
        if self._default[0] != version:
            defaults = [one for one in self._reader.list(PriorityClass) if one.global_default]
            self._default = version, min(defaults, key=lambda one: one.value or 0, default=_NO_CLASS)
        return self._default[1]


def _prioritise(attributes: Attributes, spec: Document, chosen: PriorityClass) -> None:
    value, policy = chosen.value or 0, chosen.preemption_policy
    if spec.get("priority") not in (None, value):
        raise attributes.forbidden(
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority "
            f"admission controller computed {value} from the given PriorityClass name"
        )
    spec["priority"] = value
    if not policy:
        return
    if spec.get("preemptionPolicy") not in (None, policy):
        raise attributes.forbidden(
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
            f"priority admission controller computed {policy} from the given PriorityClass name"
        )
    spec["preemptionPolicy"] = policy


def _keep(spec: Document, old: Document) -> None:
    """An update made from a manifest does not know the numbers; validation refuses it if it changes them."""
    for field in ("priority", "preemptionPolicy"):
        if spec.get(field) is None and old.get(field) is not None:
            spec[field] = old[field]
