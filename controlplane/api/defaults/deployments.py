"""Deployments."""

from __future__ import annotations

from controlplane.api.codec import Document
from controlplane.api.defaults.pods import default_template

_PROGRESS_SECONDS = 600


def default_deployment(deployment: Document) -> None:
    spec = deployment.setdefault("spec", {})
    default_template(spec.setdefault("template", {}))
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", _PROGRESS_SECONDS)
    strategy = spec.setdefault("strategy", {})
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
