"""PodTolerationRestriction: which taints the pods of a namespace tolerate by default, and at most.

scheduler.alpha.kubernetes.io/defaultTolerations     of a namespace; else the cluster's default
scheduler.alpha.kubernetes.io/tolerationsWhitelist   of a namespace; else the cluster's whitelist
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.runtime_class import covers, merged_tolerations
from controlplane.api.codec import Document, to_document, without_nulls
from controlplane.api.core_v1 import Namespace, Toleration
from controlplane.api.qos import BEST_EFFORT, qos_class
from controlplane.api.reader import ObjectReader
from controlplane.api.status import InternalError

_DEFAULTS = "scheduler.alpha.kubernetes.io/defaultTolerations"
_WHITELIST = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
_MEMORY_PRESSURE: Document = {
    "key": "node.kubernetes.io/memory-pressure",
    "operator": "Exists",
    "effect": "NoSchedule",
}


@dataclass(frozen=True, slots=True)
class TolerationSettings:
    """What holds in namespaces that say nothing."""

    default: tuple[Toleration, ...] = ()
    whitelist: tuple[Toleration, ...] = ()


class PodTolerationRestriction(Plugin):
    """Adds the namespace's tolerations to new pods, and refuses those that tolerate more than they may."""

    name = "PodTolerationRestriction"
    looks_at = frozenset({"pods"})

    def __init__(self, reader: ObjectReader, settings: TolerationSettings):
        self._reader = reader
        self._default = [to_document(one) for one in settings.default]
        self._whitelist = [to_document(one) for one in settings.whitelist]

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE, Operation.UPDATE):
            return
        spec: Document = pod.setdefault("spec", {})
        tolerations = [*(spec.get("tolerations") or ())]
        if attributes.operation is Operation.CREATE:
            own = self._of(attributes.namespace, _DEFAULTS)
            tolerations = [*(self._default if own is None else own), *tolerations]
        if qos_class(without_nulls(spec)) != BEST_EFFORT:
            # A pod that has promised what it uses may stay where memory is short.
            tolerations.append(dict(_MEMORY_PRESSURE))
        if tolerations:
            spec["tolerations"] = merged_tolerations(tolerations)
        await self.validate(attributes)

    async def validate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE, Operation.UPDATE):
            return
        own = self._of(attributes.namespace, _WHITELIST)
        allowed, whose = (self._whitelist, "cluster") if own is None else (own, "namespace")
        tolerations = (pod.get("spec") or {}).get("tolerations") or ()
        if allowed and not all(any(covers(wide, one) for wide in allowed) for one in tolerations):
            raise InternalError(
                "pod tolerations (possibly merged with namespace default tolerations) conflict with its "
                f"{whose} whitelist"
            )

    def _of(self, name: str, annotation: str) -> Sequence[Document] | None:
        """Return what a namespace says, None if it says nothing."""
        namespace = self._reader.get(Namespace, "", name)
        text = namespace.metadata.annotations.get(annotation) if namespace is not None else None
        if not text:
            return None if text is None else ()
        try:
            return [to_document(one) for one in msgspec.json.decode(text, type=list[Toleration])]
        except msgspec.MsgspecError as error:
            raise InternalError(f"Internal error occurred: {error}") from error
