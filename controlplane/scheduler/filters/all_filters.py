"""The filters in the order in which they are asked; the first rejection of a node is the one told."""

from __future__ import annotations

from controlplane.scheduler.filters import (
    Filter,
    inter_pod_affinity,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    pod_topology_spread,
    taint_toleration,
)

FILTERS: tuple[tuple[str, Filter], ...] = (
    (node_unschedulable.NAME, node_unschedulable.prepare),
    (node_name.NAME, node_name.prepare),
    (taint_toleration.NAME, taint_toleration.prepare),
    (node_affinity.NAME, node_affinity.prepare),
    (node_ports.NAME, node_ports.prepare),
    (node_resources_fit.NAME, node_resources_fit.prepare),
    (pod_topology_spread.NAME, pod_topology_spread.prepare),
    (inter_pod_affinity.NAME, inter_pod_affinity.prepare),
)
