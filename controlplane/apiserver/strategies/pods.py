"""Pods: born Pending, ended gracefully by the node that has them."""

from __future__ import annotations

from typing import Any, ClassVar

from controlplane.api.codec import Document
from controlplane.api.core_v1 import Pod
from controlplane.api.defaults.pods import agree_on_account
from controlplane.api.qos import qos_class
from controlplane.api.quantity import QuantityError
from controlplane.apiserver.strategies.base import Caller, Strategy, keep
from controlplane.apiserver.strategies.pod_warnings import warnings_for_pod_spec

# What each subresource may change besides the generation; everything else stays.
_WRITES = {"ephemeralcontainers": ("ephemeralContainers",), "resize": ("containers", "initContainers", "resources")}
_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


class PodStrategy(Strategy):
    has_generation: ClassVar[bool] = True

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        spec = document.get("spec") or {}
        agree_on_account(spec)  # admission may have chosen one since the defaults
        try:
            document["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}
        except QuantityError as error:
            raise self._cannot_be_handled(str(error)) from error
        if spec.get("schedulingGates"):
            document["status"]["conditions"] = [dict(_GATED)]

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        if subresource == "binding":
            return  # made from the stored pod by `binding.apply_binding`; a node is no new generation
        if subresource in _WRITES:
            self._keep_all_but(new, old, _WRITES[subresource])
            self._count_change(new, old)
            return
        super().prepare_subresource_update(subresource, new, old)
        keep(new, old, "metadata", "ownerReferences")  # a kubelet reports; it does not give pods away
        if not new.get("status", {}).get("qosClass"):
            keep(new, old, "status", "qosClass")

    def _keep_all_but(self, new: Document, old: Document, writable: tuple[str, ...]) -> None:
        wanted = new.get("spec") or {}
        new["spec"] = {**old.get("spec", {}), **{name: wanted[name] for name in writable if name in wanted}}
        new["metadata"] = {**old["metadata"], "resourceVersion": new["metadata"].get("resourceVersion", "")}
        keep(new, old, "status")

    def warnings(self, obj: Any) -> list[str]:
        return warnings_for_pod_spec(obj.spec, "spec", obj.metadata)

    def update_warnings(self, new: Any, old: Any) -> list[str]:
        """Say nothing, as upstream: pods are updated by programs, and often."""
        return []

    def grace_period(self, obj: Any, requested: int | None) -> int:
        pod: Pod = obj
        if not pod.spec.node_name or pod.status.phase in ("Succeeded", "Failed"):
            return 0  # nobody is there to end it, or nothing is left to end
        period = pod.spec.termination_grace_period_seconds or 0 if requested is None else requested
        return 1 if period < 0 else period
