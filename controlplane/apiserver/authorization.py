"""Which authorizers are asked, in which order: from --authorization-mode or --authorization-config to objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram

from controlplane.api.reader import ObjectReader
from controlplane.auth.authorizers import AlwaysAllow, AlwaysDeny, MastersAuthorizer, UnionAuthorizer
from controlplane.auth.interface import AccessRequest, Authorizer, Decision
from controlplane.auth.node import NodeAuthorizer
from controlplane.auth.rbac import RbacAuthorizer
from controlplane.auth.remote import Ask, Webhook
from controlplane.auth.webhook_authorizer import Observer, WebhookAuthorizer, WebhookPolicy
from controlplane.kit.clock import Clock

AUTHORIZATION_MODES: Mapping[str, Callable[[ObjectReader, RbacAuthorizer], Authorizer]] = {
    "Node": lambda reader, _: NodeAuthorizer(reader),
    "RBAC": lambda _, rbac: rbac,
    "AlwaysAllow": lambda *_: AlwaysAllow(),
    "AlwaysDeny": lambda *_: AlwaysDeny(),
}


@dataclass(frozen=True, slots=True)
class WebhookMode:
    """A webhook among the authorizers."""

    ask: Ask
    policy: WebhookPolicy


Mode: TypeAlias = str | WebhookMode
"""One of AUTHORIZATION_MODES, or a webhook."""


@dataclass(frozen=True, slots=True)
class AuthorizationFile:
    """--authorization-config, whose content at the start is in force already."""

    file: Path
    content_hash: str
    read: Callable[[bytes], Sequence[Mode]]  # raises ValueError, Explained


class CurrentAuthorizer:
    """The authorizers in force; others may be put in their place while the server runs."""

    def __init__(self, authorizer: Authorizer):
        self.current = authorizer

    def authorize(self, request: AccessRequest) -> Decision:
        return self.current.authorize(request)


@dataclass(frozen=True, slots=True)
class AuthorizerMaker:
    """What authorizers are made of."""

    reader: ObjectReader
    rbac: RbacAuthorizer
    clock: Clock
    random: Random
    observer: Observer

    def union(self, modes: Sequence[Mode]) -> UnionAuthorizer:
        """Return all of them as one, system:masters before all. Raises ValueError for an unknown mode."""
        names = [mode for mode in modes if isinstance(mode, str)]
        if unknown := [name for name in names if name not in AUTHORIZATION_MODES]:
            raise ValueError(f"{', '.join(unknown)} is not one of {', '.join(AUTHORIZATION_MODES)}")
        return UnionAuthorizer(MastersAuthorizer(), *map(self._one, modes))

    def _one(self, mode: Mode) -> Authorizer:
        if isinstance(mode, str):
            return AUTHORIZATION_MODES[mode](self.reader, self.rbac)
        return WebhookAuthorizer(Webhook(mode.ask, self.clock, self.random), mode.policy, self.clock, self.observer)


_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # Prometheus' own


class WebhookMetrics:
    """What authorization webhooks answered, under upstream's names."""

    def __init__(self, registry: CollectorRegistry):
        prefix = "apiserver_authorization_webhook"
        self._evaluations = Counter(
            f"{prefix}_evaluations", "Answers, by webhook and result.", ["name", "result"], registry=registry
        )
        self._duration = Histogram(
            f"{prefix}_duration_seconds",
            "Seconds until the answer.",
            ["name", "result"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._open = Counter(
            f"{prefix}_evaluations_fail_open",
            "Webhooks that did not answer and were passed over.",
            ["name", "result"],
            registry=registry,
        )

    def asked(self, name: str, result: str, seconds: float) -> None:
        self._evaluations.labels(name, result).inc()
        self._duration.labels(name, result).observe(seconds)

    def failed_open(self, name: str, result: str) -> None:
        self._open.labels(name, result).inc()
