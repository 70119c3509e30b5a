"""HorizontalPodAutoscalers. What v2 fills in beyond v1 comes to v1 with its conversion."""

from __future__ import annotations

import copy

from controlplane.api.codec import Document

_UTILIZATION = 80  # percent
_PERIOD = 15  # seconds

_SCALE_UP: Document = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": _PERIOD},
        {"type": "Percent", "value": 100, "periodSeconds": _PERIOD},
    ],
}
# How long to wait before scaling down is the controller's to say, by its flag.
_SCALE_DOWN: Document = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": _PERIOD}],
}


def default_autoscaler(autoscaler: Document) -> None:
    spec = autoscaler.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if autoscaler.get("apiVersion") == "autoscaling/v1":
        return
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": _UTILIZATION}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if "behavior" in spec:
        behavior = spec["behavior"]
        for side, rules in (("scaleUp", _SCALE_UP), ("scaleDown", _SCALE_DOWN)):
            behavior[side] = {**copy.deepcopy(rules), **(behavior.get(side) or {})}
