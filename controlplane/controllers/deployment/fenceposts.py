"""How many pods a rollout may add and take away: counts or percentages of spec.replicas."""

from __future__ import annotations

from controlplane.api.apps_v1 import Deployment, RollingUpdateDeployment
from controlplane.api.base import IntOrString


def replicas(deployment: Deployment) -> int:
    return 1 if deployment.spec.replicas is None else deployment.spec.replicas


def is_rolling(deployment: Deployment) -> bool:
    strategy = deployment.spec.strategy
    return strategy is None or strategy.type in ("", "RollingUpdate")


def max_surge(deployment: Deployment) -> int:
    """Return by how many pods a rolling update may exceed spec.replicas."""
    return _resolved(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Deployment) -> int:
    """Return how many pods may be missing during a rolling update."""
    if not is_rolling(deployment) or replicas(deployment) == 0:
        return 0
    return min(_resolved(deployment)[1], replicas(deployment))


def _resolved(deployment: Deployment) -> tuple[int, int]:
    """Surge rounds up and unavailable down; both zero would never move, so one pod may then be missing."""
    strategy = deployment.spec.strategy
    limits = (strategy.rolling_update if strategy else None) or RollingUpdateDeployment()
    surge = _share(limits.max_surge, replicas(deployment), round_up=True)
    unavailable = _share(limits.max_unavailable, replicas(deployment), round_up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _share(limit: IntOrString | None, total: int, *, round_up: bool) -> int:
    """Return a count, or a percentage of `total`; absent means 25 %, the API's default."""
    limit = "25%" if limit is None else limit
    if isinstance(limit, int):
        return limit
    percent = int(limit.removesuffix("%"))
    return -(-total * percent // 100) if round_up else total * percent // 100
