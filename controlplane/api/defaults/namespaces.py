"""Namespaces: every one can be selected by its name."""

from __future__ import annotations

from controlplane.api.codec import Document

NAME_LABEL = "kubernetes.io/metadata.name"


def default_namespace(namespace: Document) -> None:
    metadata = namespace.setdefault("metadata", {})
    if metadata.get("name"):  # with generateName the strategy adds it once there is a name
        metadata.setdefault("labels", {})[NAME_LABEL] = metadata["name"]
    status = namespace.setdefault("status", {})
    status["phase"] = status.get("phase") or "Active"
