"""What one object uses, kind by kind, under every name that a quota may have for it.

any kind                 count/<plural>.<group>; a few by their plural alone
pods                     pods, cpu, memory, ephemeral-storage, requests.*, limits.*, hugepages-*
services                 services, services.nodeports, services.loadbalancers
persistentvolumeclaims   persistentvolumeclaims, requests.storage, both again for the claim's storage class
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from controlplane.api import quantity
from controlplane.api.core_v1 import PersistentVolumeClaim, Pod, Service
from controlplane.api.quota.amounts import Amounts, greatest, only
from controlplane.api.quota.pods import compute_amounts, is_charged, missing_amounts, pod_limits, pod_requests
from controlplane.api.quota.scopes import Scope, claim_in_scope, pod_in_scope

STORAGE_CLASS = ".storageclass.storage.k8s.io/"
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"

# These had a name for their number before count/ was there for all.
_BY_PLURAL = frozenset({"configmaps", "replicationcontrollers", "resourcequotas", "secrets"})

# Nothing of these is kept, or there are too many to count.
_NOT_COUNTED = frozenset(
    {
        ("", "bindings"), ("", "componentstatuses"), ("", "events"), ("events.k8s.io", "events"),
        ("authentication.k8s.io", "selfsubjectreviews"), ("authentication.k8s.io", "tokenreviews"),
        ("authorization.k8s.io", "localsubjectaccessreviews"), ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"), ("authorization.k8s.io", "subjectaccessreviews"),
    }
)  # fmt: skip


class Evaluator:
    """A kind of which only the number is counted."""

    def __init__(self, group: str, plural: str):
        self.counter = f"count/{plural}.{group}" if group else f"count/{plural}"
        self.names = frozenset({self.counter, plural} if not group and plural in _BY_PLURAL else {self.counter})

    def handles(self, subresource: str, *, update: bool) -> bool:
        """Return whether such a write can change what is used."""
        return not subresource and not update

    def tracks(self, name: str) -> bool:
        """Return whether objects of this kind use what a quota calls `name`."""
        return name in self.names

    def tracked(self, names: Iterable[str]) -> list[str]:
        return sorted(name for name in names if self.tracks(name))

    def in_scope(self, scope: Scope, obj: Any) -> bool:
        return False

    def missing(self, names: Collection[str], obj: Any) -> str:
        """Return what an object has to say, "" if it does, before it can be counted under `names`."""
        return ""

    def usage(self, obj: Any, now: datetime) -> Amounts:
        """Return what an object uses; `obj` may be None where only the number counts."""
        return dict.fromkeys(self.names, "1")


class _Pods(Evaluator):
    def handles(self, subresource: str, *, update: bool) -> bool:
        return (not subresource and not update) or (subresource == "resize" and update)

    def tracks(self, name: str) -> bool:
        if name in _POD_NAMES or name.startswith(("hugepages-", "requests.hugepages-")):
            return True
        return name.startswith("requests.") and "/" in name and "kubernetes.io/" not in name

    def in_scope(self, scope: Scope, obj: Pod) -> bool:
        return pod_in_scope(scope, obj)

    def missing(self, names: Collection[str], obj: Pod) -> str:
        return missing_amounts(names, obj.spec)

    def usage(self, obj: Pod, now: datetime) -> Amounts:
        # Its number counts as long as it is there; the rest is given back when it has ended.
        used: dict[str, Any] = {self.counter: "1"}
        if is_charged(obj, now):
            used |= {"pods": "1", **compute_amounts(pod_requests(obj.spec), pod_limits(obj.spec))}
        return used


_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_POD_NAMES = frozenset(
    {"count/pods", "pods", *(f"{prefix}{name}" for name in _COMPUTE for prefix in ("", "requests.", "limits."))}
)


class _Services(Evaluator):
    def handles(self, subresource: str, *, update: bool) -> bool:
        return True  # a Service's type may change

    def tracks(self, name: str) -> bool:
        return name in ("count/services", "services", "services.nodeports", "services.loadbalancers")

    def usage(self, obj: Service, now: datetime) -> Amounts:
        return {
            self.counter: "1",
            "services": "1",
            "services.nodeports": str(_node_ports(obj)),
            "services.loadbalancers": "1" if obj.spec.type == "LoadBalancer" else "0",
        }


def _node_ports(service: Service) -> int:
    """Return how many node ports a Service has or, as they are given out later, is going to have."""
    spec = service.spec
    if spec.type == "LoadBalancer" and spec.allocate_load_balancer_node_ports is False:
        return sum(1 for port in spec.ports if port.node_port)
    return len(spec.ports) if spec.type in ("NodePort", "LoadBalancer") else 0


class _Claims(Evaluator):
    def handles(self, subresource: str, *, update: bool) -> bool:
        return not subresource or (subresource == "status" and update)

    def tracks(self, name: str) -> bool:
        if name == self.counter:
            return True
        _, class_, rest = name.rpartition(STORAGE_CLASS)
        return (rest if class_ else name) in ("persistentvolumeclaims", "requests.storage")

    def in_scope(self, scope: Scope, obj: PersistentVolumeClaim) -> bool:
        return claim_in_scope(scope, obj)

    def usage(self, obj: PersistentVolumeClaim, now: datetime) -> Amounts:
        used: dict[str, Any] = {"persistentvolumeclaims": "1"}
        if "storage" in obj.spec.resources.requests:
            used["requests.storage"] = _storage(obj)
        class_ = obj.metadata.annotations.get(_OLD_CLASS) or obj.spec.storage_class_name
        by_class = {f"{class_}{STORAGE_CLASS}{name}": value for name, value in used.items()} if class_ else {}
        return {self.counter: "1", **used, **by_class}


def _storage(claim: PersistentVolumeClaim) -> str:
    """Return the bytes a claim is charged for, in whole ones: what it asks for, or was given if that is more."""
    asked, given = claim.spec.resources.requests, claim.status.allocated_resources
    most = greatest(only(amounts, ("storage",)) for amounts in (asked, given))["storage"]
    whole = quantity.value(most)
    return quantity.render(quantity.Amount(whole * 10**9, quantity.amount(most).notation))


_SPECIAL = {
    ("", "pods"): _Pods("", "pods"),
    ("", "services"): _Services("", "services"),
    ("", "persistentvolumeclaims"): _Claims("", "persistentvolumeclaims"),
}
_known: dict[tuple[str, str], Evaluator] = dict(_SPECIAL)


def evaluator_for(group: str, plural: str) -> Evaluator | None:
    """Return how a kind is counted; None if it is not."""
    if (group, plural) in _NOT_COUNTED:
        return None
    if (group, plural) not in _known:
        _known[group, plural] = Evaluator(group, plural)
    return _known[group, plural]
