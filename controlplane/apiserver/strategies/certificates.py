"""Requests for certificates: who asks is what the server knows, and what was decided stays."""

from __future__ import annotations

from typing import ClassVar

from controlplane.api.codec import Document
from controlplane.apiserver.strategies.base import Caller, Strategy, keep

_DECISIONS = ("Approved", "Denied")


class CertificateSigningRequestStrategy(Strategy):
    """The spec never changes; approval writes the decision, status everything else."""

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        spec = document.setdefault("spec", {})
        spec["username"], spec["groups"] = caller.name, list(caller.groups)
        for name, value in (("uid", caller.uid), ("extra", {key: list(some) for key, some in caller.extra.items()})):
            spec.pop(name, None)
            if value:
                spec[name] = value

    def prepare_update(self, new: Document, old: Document) -> None:
        super().prepare_update(new, old)
        keep(new, old, "spec")

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        super().prepare_subresource_update(subresource, new, old)
        wanted, before = new.get("status") or {}, old.get("status") or {}
        if subresource == "approval":
            new["status"] = {**before, "conditions": _dated(wanted.get("conditions") or [])}
        else:
            new["status"] = {**wanted, "conditions": _dated(_keep_decisions(wanted, before))}
        if not new["status"]["conditions"]:
            del new["status"]["conditions"]


class PodCertificateRequestStrategy(Strategy):
    """How a request ended is told once: a condition that is there stays as it is."""

    allow_unconditional_update: ClassVar[bool] = False

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        super().prepare_subresource_update(subresource, new, old)
        wanted = (new.get("status") or {}).get("conditions") or []
        before = {one.get("type"): one for one in (old.get("status") or {}).get("conditions") or []}
        if wanted and {one.get("type") for one in wanted} == before.keys():
            new["status"]["conditions"] = [before[one.get("type")] for one in wanted]


def _keep_decisions(new: Document, old: Document) -> list[Document]:
    decided = [one for one in old.get("conditions", ()) if one.get("type") in _DECISIONS]
    return decided + [one for one in new.get("conditions", ()) if one.get("type") not in _DECISIONS]


def _dated(conditions: list[Document]) -> list[Document]:
    """A condition that says when it was updated, but not when it changed, has changed then."""
    for one in conditions:
        if one.get("lastUpdateTime") and not one.get("lastTransitionTime"):
            one["lastTransitionTime"] = one["lastUpdateTime"]
    return conditions
