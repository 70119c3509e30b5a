"""What Prometheus sees of the API server, under upstream's names and with its buckets.

Alert rules select buckets by their exact bounds (le="1", "5", "30"): a missing one reads as a burnt error budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controlplane.apiserver.request_info import RequestInfo

_DURATION = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
)  # fmt: skip
_SLI = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
_STORE = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
# 0, 30 min, 1 h, 2 h, 6 h, 12 h, 1, 2, 4, 7 days, 1, 3, 6 months, 1 year: in seconds.
_EXPIRATION = (
    0, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 345600, 604800, 2592000, 7776000, 15552000, 31104000,
)  # fmt: skip

LONG_RUNNING_SUBRESOURCES = frozenset({"attach", "exec", "proxy", "log", "portforward"})
_READING = frozenset({"get", "list", "watch"})


def is_long_running(info: RequestInfo) -> bool:
    """Return whether a request may last as long as it likes: upstream's list of verbs and subresources."""
    return info.verb in ("watch", "proxy") or info.subresource in LONG_RUNNING_SUBRESOURCES


def is_read(info: RequestInfo) -> bool:
    """Return whether a request only reads."""
    return info.verb in _READING


def shown_verb(info: RequestInfo) -> str:
    """Return the label of upstream's request metrics: the API's verb, but the HTTP method's name for writes."""
    if not info.is_resource:
        return info.verb.upper()
    return {"create": "POST", "update": "PUT", "deletecollection": "DELETECOLLECTION"}.get(
        info.verb, "APPLY" if info.verb == "apply" else info.verb.upper()
    )


@dataclass(slots=True)
class _Children:
    """The metrics of one combination of labels, looked up once."""

    total: dict[int, Any]
    duration: Any
    sli: Any


class ApiServerMetrics:
    """Counts and times requests."""

    def __init__(self, registry: CollectorRegistry):
        self.registry = registry
        labels = ["verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"]
        self._total = Counter(
            "apiserver_request",
            "Requests by verb, resource, scope and status code.",
            [*labels, "code"],
            registry=registry,
        )
        self._duration = Histogram(
            "apiserver_request_duration_seconds",
            "Seconds until the answer.",
            labels,
            buckets=_DURATION,
            registry=registry,
        )
        self._sli = Histogram(
            "apiserver_request_sli_duration_seconds",
            "Seconds until the answer, without the time spent outside the server.",
            [label for label in labels if label != "dry_run"],
            buckets=_SLI,
            registry=registry,
        )
        inflight = Gauge(
            "apiserver_current_inflight_requests", "Requests under way, by kind.", ["request_kind"], registry=registry
        )
        self._inflight_reads, self._inflight_writes = inflight.labels("readOnly"), inflight.labels("mutating")
        self._under_way = {True: 0, False: 0}  # by whether they only read
        self._long = Gauge(
            "apiserver_longrunning_requests",
            "Watches, proxied connections and the like under way.",
            ["verb", "group", "version", "resource", "subresource", "scope", "component"],
            registry=registry,
        )
        self._terminations = Counter(
            "apiserver_request_terminations",
            "Requests that the server refused or gave up to protect itself.",
            [*(label for label in labels if label != "dry_run"), "code"],
            registry=registry,
        )
        self._expiration = Histogram(
            "apiserver_client_certificate_expiration_seconds",
            "Seconds that client certificates had left when they were shown.",
            buckets=_EXPIRATION,
            registry=registry,
        )
        self._children: dict[tuple[str, ...], _Children] = {}

    def began(self, info: RequestInfo) -> Callable[[], None]:
        """Count a request as under way; return what ends that."""
        if is_long_running(info):
            labels = (info.group, info.version, info.resource, info.subresource, info.scope, "apiserver")
            gauge = self._long.labels(shown_verb(info), *labels)
            gauge.inc()
            return gauge.dec
        reads = is_read(info)
        gauge = self._inflight_reads if reads else self._inflight_writes
        gauge.inc()
        self._under_way[reads] += 1

        def ended() -> None:
            gauge.dec()
            self._under_way[reads] -= 1

        return ended

    def under_way(self, info: RequestInfo) -> int:
        """Return how many requests of this one's kind, reading or writing, have not been answered."""
        return self._under_way[is_read(info)]

    def ended(self, info: RequestInfo, code: int, seconds: float, *, dry_run: bool = False) -> None:
        """Count an answered request."""
        key = (
            shown_verb(info), "All" if dry_run else "", info.group, info.version, info.resource, info.subresource,
            info.scope, "apiserver",
        )  # fmt: skip
        children = self._children.get(key)
        if children is None:
            sli = self._sli.labels(key[0], *key[2:])
            children = self._children[key] = _Children({}, self._duration.labels(*key), sli)
        counter = children.total.get(code)
        if counter is None:
            counter = children.total[code] = self._total.labels(*key, str(code))
        counter.inc()
        if code in (429, 504):
            self._terminations.labels(key[0], *key[2:], str(code)).inc()
        if not is_long_running(info):
            children.duration.observe(seconds)
            children.sli.observe(seconds)

    def certificate_shown(self, der: bytes, now: datetime) -> None:
        """Note how long a client's certificate is still good; once a connection is enough."""
        expires = x509.load_der_x509_certificate(der).not_valid_after_utc
        self._expiration.observe((expires - now).total_seconds())


class StoreMetrics:
    """Times what is asked of the store: the name is etcd's whatever the store is."""

    def __init__(self, registry: CollectorRegistry):
        self._duration = Histogram(
            "etcd_request_duration_seconds",
            "Seconds a request to the store took, by operation and resource.",
            ["operation", "type"],
            buckets=_STORE,
            registry=registry,
        )
        self._requests = Counter(
            "etcd_requests",
            "Requests to the store, by operation and resource.",
            ["operation", "type"],
            registry=registry,
        )
        self._children: dict[tuple[str, str], tuple[Any, Any]] = {}

    def observe(self, operation: str, type_: str, seconds: float) -> None:
        children = self._children.get((operation, type_))
        if children is None:
            children = self._duration.labels(operation, type_), self._requests.labels(operation, type_)
            self._children[operation, type_] = children
        children[0].observe(seconds)
        children[1].inc()
