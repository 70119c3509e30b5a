"""When a toleration tolerates a taint."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from controlplane.api.core_v1 import Taint, Toleration


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Return whether one toleration covers one taint; an empty key with Exists covers every taint."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    match toleration.operator:
        case "Exists":
            return True
        case "" | "Equal":
            return toleration.key == taint.key and toleration.value == taint.value
        case "Lt" | "Gt":
            return _compares(toleration, taint)
    return False


def untolerated(
    taints: Iterable[Taint], tolerations: Collection[Toleration], effects: Collection[str]
) -> Iterable[Taint]:
    """Yield the taints with one of these effects that nothing tolerates."""
    for taint in taints:
        if taint.effect in effects and not any(tolerates(toleration, taint) for toleration in tolerations):
            yield taint


def _compares(toleration: Toleration, taint: Taint) -> bool:
    try:
        found, bound = int(taint.value), int(toleration.value)
    except ValueError:
        return False
    return found < bound if toleration.operator == "Lt" else found > bound
