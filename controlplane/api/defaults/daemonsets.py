"""DaemonSets."""

from __future__ import annotations

from controlplane.api.codec import Document
from controlplane.api.defaults.pods import default_template


def default_daemon_set(daemon_set: Document) -> None:
    spec = daemon_set.setdefault("spec", {})
    default_template(spec.setdefault("template", {}))
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
