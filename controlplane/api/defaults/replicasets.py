"""ReplicaSets, and ReplicationControllers, which take their selector and labels from their template."""

from __future__ import annotations

from controlplane.api.codec import Document
from controlplane.api.defaults.pods import default_template


def default_replica_set(replica_set: Document) -> None:
    spec = replica_set.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    default_template(spec.setdefault("template", {}))


def default_replication_controller(controller: Document) -> None:
    spec = controller.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    if not spec.get("template"):
        return
    default_template(spec["template"])
    labels = spec["template"].get("metadata", {}).get("labels")
    if labels:
        spec["selector"] = spec.get("selector") or dict(labels)
        metadata = controller.setdefault("metadata", {})
        metadata["labels"] = metadata.get("labels") or dict(labels)
