"""What Prometheus sees of the API server, under upstream's names and with its buckets.

Alert rules select buckets by their exact bounds (le="1", "5", "30"): a missing one reads as a burnt error budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cryptography import x509
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controlplane.apiserver.request_info import RequestInfo
from controlplane.kit.tallies import Buckets, Count, Counters, Histograms

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
class _Tallies:
    """What is counted of one combination of labels, looked up once."""

    total: dict[int, Count]  # by status code
    duration: Buckets
    sli: Buckets


class ApiServerMetrics:
    """Counts and times requests."""

    def __init__(self, registry: CollectorRegistry):
        self.registry = registry
        labels = ["verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"]
        self._total = Counters(
            "apiserver_request", "Requests by verb, resource, scope and status code.", [*labels, "code"], registry
        )
        self._duration = Histograms(
            "apiserver_request_duration_seconds", "Seconds until the answer.", labels, _DURATION, registry
        )
        self._sli = Histograms(
            "apiserver_request_sli_duration_seconds",
            "Seconds until the answer, without the time spent outside the server.",
            [label for label in labels if label != "dry_run"],
            _SLI,
            registry,
        )
        self._under_way = {True: 0, False: 0}  # by whether they only read
        inflight = Gauge(
            "apiserver_current_inflight_requests", "Requests under way, by kind.", ["request_kind"], registry=registry
        )
        for kind, reads in (("readOnly", True), ("mutating", False)):
            inflight.labels(kind).set_function(partial(self._under_way.__getitem__, reads))
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
        self._tallies: dict[tuple[str, ...], _Tallies] = {}

    def began(self, info: RequestInfo) -> Callable[[], None]:
        """Count a request as under way; return what ends that."""
        if is_long_running(info):
            labels = (info.group, info.version, info.resource, info.subresource, info.scope, "apiserver")
            gauge = self._long.labels(shown_verb(info), *labels)
            gauge.inc()
            return gauge.dec
        self._under_way[is_read(info)] += 1
        return self._read if is_read(info) else self._written

    def _read(self) -> None:
        self._under_way[True] -= 1

    def _written(self) -> None:
        self._under_way[False] -= 1

    def under_way(self, info: RequestInfo) -> int:
        """Return how many requests of this one's kind, reading or writing, have not been answered."""
        return self._under_way[is_read(info)]

    def ended(self, info: RequestInfo, code: int, seconds: float, *, dry_run: bool = False) -> None:
        """Count an answered request."""
        key = (
            shown_verb(info), "All" if dry_run else "", info.group, info.version, info.resource, info.subresource,
            info.scope, "apiserver",
        )  # fmt: skip
        tallies = self._tallies.get(key)
        if tallies is None:
            tallies = self._tallies[key] = _Tallies({}, self._duration.of(*key), self._sli.of(key[0], *key[2:]))
        count = tallies.total.get(code)
        if count is None:
            count = tallies.total[code] = self._total.of(*key, str(code))
        count.value += 1
        if code in (429, 504):
            self._terminations.labels(key[0], *key[2:], str(code)).inc()
        if not is_long_running(info):
            tallies.duration.observe(seconds)
            tallies.sli.observe(seconds)

    def certificate_shown(self, der: bytes, now: datetime) -> None:
        """Note how long a client's certificate is still good; once a connection is enough."""
        expires = x509.load_der_x509_certificate(der).not_valid_after_utc
        self._expiration.observe((expires - now).total_seconds())


class StoreMetrics:
    """Times what is asked of the store: the name is etcd's whatever the store is."""

    def __init__(self, registry: CollectorRegistry):
        self._duration = Histograms(
            "etcd_request_duration_seconds",
            "Seconds a request to the store took, by operation and resource.",
            ["operation", "type"],
            _STORE,
            registry,
        )
        self._requests = Counters(
            "etcd_requests", "Requests to the store, by operation and resource.", ["operation", "type"], registry
        )

    def observe(self, operation: str, type_: str, seconds: float) -> None:
        self._duration.of(operation, type_).observe(seconds)
        self._requests.of(operation, type_).value += 1
