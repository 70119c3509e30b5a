"""Namespaces end by their finalizer: the API server puts it there, the namespace controller takes it away."""

from __future__ import annotations

from controlplane.api.codec import Document
from controlplane.api.defaults.namespaces import NAME_LABEL
from controlplane.apiserver.strategies.base import Caller, Strategy, keep

FINALIZER = "kubernetes"


class NamespaceStrategy(Strategy):
    """`spec.finalizers` is written by create and by the finalize subresource, never by an update."""

    def prepare_create(self, document: Document, caller: Caller) -> None:
        document["status"] = {"phase": "Active"}
        spec = document.setdefault("spec", {})
        if FINALIZER not in spec.setdefault("finalizers", []):
            spec["finalizers"] = [*spec["finalizers"], FINALIZER]
        _label_with_name(document)

    def prepare_update(self, new: Document, old: Document) -> None:
        keep(new, old, "spec")
        keep(new, old, "status")
        _label_with_name(new)

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        if subresource == "finalize":
            keep(new, old, "status")
        else:
            super().prepare_subresource_update(subresource, new, old)
        _label_with_name(new)


def _label_with_name(namespace: Document) -> None:
    metadata = namespace.setdefault("metadata", {})
    if metadata.get("name"):  # with generateName it has come by now
        metadata.setdefault("labels", {})[NAME_LABEL] = metadata["name"]
