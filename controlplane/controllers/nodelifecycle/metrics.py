"""node_collector_*: the health of zones, under upstream's names."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controlplane.controllers.nodelifecycle.zones import Zone

# Upstream's buckets, in seconds: 1 ms doubling.
_BUCKETS = tuple(0.001 * 2**exponent for exponent in range(15))


class NodeCollectorMetrics:
    def __init__(self, registry: CollectorRegistry):
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"node_collector_{name}", text, ["zone"], registry=registry)

        self._health = gauge("zone_health", "Percentage of healthy nodes, by zone.")
        self._size = gauge("zone_size", "Nodes registered, by zone.")
        self._unhealthy = gauge("unhealthy_nodes_in_zone", "Nodes that are not ready, by zone.")
        self.evictions = Counter(
            "node_collector_evictions", "Nodes whose pods were told to leave, by zone.", ["zone"], registry=registry
        )
        self.look_duration = Histogram(
            "node_collector_update_all_nodes_health_duration_seconds",
            "Seconds to look at all nodes once.",
            buckets=_BUCKETS,
            registry=registry,
        )

    def show(self, zones: Mapping[str, Zone]) -> None:
        for name, zone in zones.items():
            self._size.labels(name).set(zone.size)
            self._unhealthy.labels(name).set(zone.not_ready)
            self._health.labels(name).set(100.0 * (zone.size - zone.not_ready) / zone.size)
            self.evictions.labels(name)  # shown as zero before the first one
