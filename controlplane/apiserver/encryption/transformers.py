"""Which providers a key of the store is for, and what they did, in upstream's metrics.

/registry/secrets/shop/login                  secrets                 the rule for secrets, else *., else *.*
/registry/deployments/shop/web                deployments.apps        the rule for it, else *.apps, else *.*
/registry/example.com/widgets/shop/w1         widgets.example.com     of a custom resource
"""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from controlplane.api.resources import RESOURCES
from controlplane.apiserver.encryption.ciphers import Undecipherable
from controlplane.apiserver.encryption.configuration import Rules
from controlplane.apiserver.encryption.envelope import Opened, Transformer
from controlplane.apiserver.storage import prefix_of
from controlplane.apiserver.watch_cache import REGISTRY
from controlplane.kit.clock import Clock

# 5 µs to 84 s: upstream's 25 buckets, each twice the one before.
_BUCKETS = tuple(5e-6 * 2**power for power in range(25))


class ResourceTransformer:
    """The providers of one resource, and its counters."""

    def __init__(self, resource: str, transformer: Transformer, metrics: TransformationMetrics, clock: Clock):
        self._resource, self._transformer = resource, transformer
        self._metrics, self._clock = metrics, clock

    def seal(self, value: bytes, place: str) -> bytes:
        began = self._clock.monotonic()
        sealed = self._transformer.seal(value, place)
        seconds = self._clock.monotonic() - began
        self._metrics.done(self._resource, "to_storage", self._transformer.prefix, seconds)
        return sealed

    def open(self, stored: bytes, place: str) -> Opened:
        """Return what is stored at `place`. Raises Undecipherable."""
        began = self._clock.monotonic()
        try:
            opened = self._transformer.open(stored, place)
        except Undecipherable:
            self._metrics.failed(self._resource, "from_storage", _prefix_of(stored))
            raise
        seconds = self._clock.monotonic() - began
        self._metrics.done(self._resource, "from_storage", opened.prefix, seconds)
        return opened


def _prefix_of(stored: bytes) -> str:
    """Return the provider's prefix of a stored value, `unknown` if it has none: k8s:enc:aescbc:v1:"""
    parts = stored[:64].split(b":", 4)
    return ":".join(part.decode("ascii", "replace") for part in parts[:4]) + ":" if len(parts) == 5 else "unknown"


class Transformers:
    """The rules in force; `replace` puts others in their place while the server runs."""

    def __init__(self, rules: Rules, registry: CollectorRegistry, clock: Clock):
        self._metrics, self._clock = TransformationMetrics(registry), clock
        self._built_in = {prefix_of(r): (r.group, r.plural) for r in reversed(RESOURCES)}
        self._by_depth = sorted(self._built_in, key=len, reverse=True)
        self._by_directory: dict[str, ResourceTransformer | None] = {}
        self._rules = rules

    def replace(self, rules: Rules) -> None:
        """Use these rules from now on."""
        self._rules = rules
        self._by_directory.clear()

    def of(self, key: str) -> ResourceTransformer | None:
        """Return who seals and opens what is stored at `key`; None for what no rule names."""
        directory = key.rpartition("/")[0]
        try:
            return self._by_directory[directory]
        except KeyError:
            if len(self._by_directory) > 10_000:  # namespaces come and go
                self._by_directory.clear()
            found = self._by_directory[directory] = self._find(key)
            return found

    def _find(self, key: str) -> ResourceTransformer | None:
        named = self._resource_of(key)
        transformer = self._rules.transformer(*named) if named else None
        if named is None or transformer is None:
            return None
        group, plural = named
        return ResourceTransformer(f"{plural}.{group}" if group else plural, transformer, self._metrics, self._clock)

    def _resource_of(self, key: str) -> tuple[str, str] | None:
        for prefix in self._by_depth:
            if key.startswith(prefix):
                return self._built_in[prefix]
        parts = key.removeprefix(REGISTRY).split("/")
        # What is neither ours nor below a group with a dot in its name has no API, such as the service addresses taken.
        return (parts[0], parts[1]) if len(parts) > 2 and "." in parts[0] else None


class TransformationMetrics:
    """Counts and times what is sealed and opened."""

    def __init__(self, registry: CollectorRegistry):
        self._duration = Histogram(
            "apiserver_storage_transformation_duration_seconds",
            "Seconds to seal or open a stored value.",
            ["transformation_type", "transformer_prefix"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._operations = Counter(
            "apiserver_storage_transformation_operations",
            "Stored values sealed and opened, by resource, provider and outcome.",
            ["resource", "transformation_type", "transformer_prefix", "status"],
            registry=registry,
        )
        self._children: dict[tuple[str, str, str], tuple[Any, Any]] = {}

    def done(self, resource: str, kind: str, prefix: str, seconds: float) -> None:
        children = self._children.get((resource, kind, prefix))
        if children is None:
            children = self._operations.labels(resource, kind, prefix, "OK"), self._duration.labels(kind, prefix)
            self._children[resource, kind, prefix] = children
        children[0].inc()
        children[1].observe(seconds)

    def failed(self, resource: str, kind: str, prefix: str) -> None:
        self._operations.labels(resource, kind, prefix, "unknown-non-grpc").inc()
