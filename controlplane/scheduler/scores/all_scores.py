"""The scores with upstream's names and weights."""

from __future__ import annotations

from controlplane.scheduler.scores import (
    Score,
    balanced_allocation,
    image_locality,
    inter_pod_affinity,
    least_allocated,
    node_affinity,
    pod_topology_spread,
    taint_toleration,
)

SCORES: tuple[tuple[str, int, Score], ...] = (
    (taint_toleration.NAME, taint_toleration.WEIGHT, taint_toleration.score),
    (node_affinity.NAME, node_affinity.WEIGHT, node_affinity.score),
    (least_allocated.NAME, least_allocated.WEIGHT, least_allocated.score),
    (pod_topology_spread.NAME, pod_topology_spread.WEIGHT, pod_topology_spread.score),
    (inter_pod_affinity.NAME, inter_pod_affinity.WEIGHT, inter_pod_affinity.score),
    (balanced_allocation.NAME, balanced_allocation.WEIGHT, balanced_allocation.score),
    (image_locality.NAME, image_locality.WEIGHT, image_locality.score),
)
