"""Deployments, ReplicaSets, StatefulSets, DaemonSets, ReplicationControllers: their spec has a generation."""

from __future__ import annotations

from typing import Any, ClassVar

from controlplane.api.codec import Document
from controlplane.apiserver.strategies.base import Caller, Strategy, keep
from controlplane.apiserver.strategies.pod_warnings import warnings_for_pod_spec

_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


class WorkloadStrategy(Strategy):
    has_generation: ClassVar[bool] = True

    def warnings(self, obj: Any) -> list[str]:
        template = obj.spec.template
        return warnings_for_pod_spec(template.spec, "spec.template.spec", template.metadata)


class ReplicationControllerStrategy(WorkloadStrategy):
    """Deleting one has left its pods alone since before there was a garbage collector."""

    default_propagation: ClassVar[str] = "Orphan"


class DeploymentStrategy(WorkloadStrategy):
    """Annotations count as wanted: a Deployment copies them to its ReplicaSets."""

    def wanted(self, document: Document) -> Any:
        return document.get("spec"), document.get("metadata", {}).get("annotations") or {}

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        super().prepare_subresource_update(subresource, new, old)
        keep(new, old, "metadata", "labels")


class DaemonSetStrategy(WorkloadStrategy):
    """Counts changes of its template apart, in an annotation that clients of extensions/v1beta1 left behind."""

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        _note_template_generation(document, 1)

    def prepare_update(self, new: Document, old: Document) -> None:
        super().prepare_update(new, old)
        noted = old.get("metadata", {}).get("annotations", {}).get(_TEMPLATE_GENERATION, "0")
        generation = int(noted) if noted.isdecimal() else 0
        changed = new["metadata"]["generation"] != old["metadata"].get("generation", 0) and _template(new) != _template(
            old
        )
        _note_template_generation(new, generation + changed)


def _template(daemon_set: Document) -> Any:
    return daemon_set.get("spec", {}).get("template")


def _note_template_generation(daemon_set: Document, generation: int) -> None:
    metadata = daemon_set.setdefault("metadata", {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), _TEMPLATE_GENERATION: str(generation)}
