"""RuntimeClass: what a pod's runtime costs beyond its containers, and on which nodes there is such a runtime."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.patience import found_soon
from controlplane.api.codec import Document
from controlplane.api.node_v1 import RuntimeClass
from controlplane.api.reader import ObjectReader
from controlplane.kit.clock import Clock


class RuntimeClassAdmission(Plugin):
    """Gives a new pod the overhead, node selector and tolerations of its class; nobody else may set the overhead."""

    name = "RuntimeClass"
    looks_at = frozenset({"pods"})

    def __init__(self, reader: ObjectReader, clock: Clock):
        self._reader, self._clock = reader, clock

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE):
            return
        runtime_class = await self._class_of(attributes, pod)
        if runtime_class is None:
            return
        spec = pod["spec"]
        overhead = _overhead(runtime_class)
        if overhead:
            if spec.get("overhead") not in (None, overhead):
                raise _other_overhead(attributes)
            spec["overhead"] = overhead
        scheduling = runtime_class.scheduling
        if scheduling is not None:
            _select_nodes(attributes, spec, scheduling.node_selector)
            tolerated = [msgspec.to_builtins(one) for one in scheduling.tolerations]
            if tolerated:
                spec["tolerations"] = merged_tolerations([*(spec.get("tolerations") or ()), *tolerated])

    async def validate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE):
            return
        runtime_class = await self._class_of(attributes, pod)
        overhead = _overhead(runtime_class) if runtime_class else {}
        found = (pod.get("spec") or {}).get("overhead")
        if overhead and found != overhead:
            raise _other_overhead(attributes)
        if found and not overhead:
            raise attributes.forbidden(
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            )

    async def _class_of(self, attributes: Attributes, pod: Document) -> RuntimeClass | None:
        name = (pod.get("spec") or {}).get("runtimeClassName")
        if not name:
            return None
        found = await found_soon(self._reader, self._clock, RuntimeClass, name)
        if found is None:
            raise attributes.forbidden(f'pod rejected: RuntimeClass "{name}" not found')
        return found


def _overhead(runtime_class: RuntimeClass) -> Document:
    return dict(runtime_class.overhead.pod_fixed) if runtime_class.overhead else {}


def _other_overhead(attributes: Attributes) -> Exception:
    return attributes.forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")


def _select_nodes(attributes: Attributes, spec: Document, wanted: dict[str, str]) -> None:
    selector = spec.get("nodeSelector") or {}
    for key, value in wanted.items():
        if selector.get(key, value) != value:
            raise attributes.forbidden(
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {selector[key]}"
            )
    if wanted:
        spec["nodeSelector"] = {**selector, **wanted}


def merged_tolerations(tolerations: Sequence[Document]) -> list[Document]:
    """Return tolerations without those that another of them covers; of equal ones the first stays."""
    merged: list[Document] = []
    for index, one in enumerate(tolerations):
        later = (other for other in tolerations[index + 1 :] if other != one)
        if not any(covers(other, one) for other in (*merged, *later)):
            merged.append(one)
    return merged


def covers(wide: Document, narrow: Document) -> bool:
    """Return whether everything that `narrow` tolerates, `wide` tolerates as well."""
    if wide == narrow:
        return True
    operator = wide.get("operator") or "Equal"
    if narrow.get("key") != wide.get("key") and (wide.get("key") or operator != "Exists"):
        return False
    if wide.get("effect") and narrow.get("effect") != wide["effect"]:
        return False
    if wide.get("effect") == "NoExecute" and not _as_long(
        wide.get("tolerationSeconds"), narrow.get("tolerationSeconds")
    ):
        return False
    if operator == "Equal":
        return narrow.get("operator") == "Equal" and narrow.get("value", "") == wide.get("value", "")
    return bool(operator == "Exists")


def _as_long(seconds: int | None, others: int | None) -> bool:
    return seconds is None or (others is not None and others <= seconds)
