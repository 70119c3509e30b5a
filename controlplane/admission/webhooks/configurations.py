"""Webhooks as their configurations list them, read again only when a configuration has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from controlplane.admission.selection import Selectors
from controlplane.api.admissionregistration_v1 import (
    MutatingWebhook,
    MutatingWebhookConfiguration,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
)
from controlplane.api.reader import ObjectReader

if TYPE_CHECKING:
    from controlplane.admission.conditions import Conditions

Configuration = TypeVar("Configuration", MutatingWebhookConfiguration, ValidatingWebhookConfiguration)
Webhook = MutatingWebhook | ValidatingWebhook

_TIMEOUT = 10  # seconds, where a configuration does not say


@dataclass(slots=True)
class Hook:
    """One webhook of one configuration."""

    configuration: str
    uid: str  # configuration, name, and which of that name: what tells it from others
    webhook: Webhook
    selectors: Selectors
    _conditions: Conditions | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        return self.webhook.name

    @property
    def fails_open(self) -> bool:
        return self.webhook.failure_policy == "Ignore"

    @property
    def timeout(self) -> int:
        """Seconds."""
        return self.webhook.timeout_seconds or _TIMEOUT

    @property
    def reinvocable(self) -> bool:
        return isinstance(self.webhook, MutatingWebhook) and self.webhook.reinvocation_policy == "IfNeeded"

    @property
    def conditions(self) -> Conditions | None:
        """The compiled matchConditions; None: there are none."""
        if self._conditions is None and self.webhook.match_conditions:
            # Only now, so that a server without expressions does not load what compiles them.
            from controlplane.admission.conditions import Conditions
            from controlplane.admission.expressions import Environment

            self._conditions = Conditions.of(self.webhook.match_conditions, Environment())
        return self._conditions


class Hooks(Generic[Configuration]):
    """The webhooks of all configurations of one kind, in the order of their configurations' names."""

    def __init__(self, reader: ObjectReader, type_: type[Configuration]):
        self._reader = reader
        self._type: type[Configuration] = type_
        self._version, self._hooks = -1, list[Hook]()

    def now(self) -> Sequence[Hook]:
        version = self._reader.version(self._type)
        if version != self._version:
            configurations = sorted(self._reader.list(self._type), key=lambda one: one.metadata.name)
            self._hooks = [hook for one in configurations for hook in _hooks_of(one)]
            self._version = version
        return self._hooks


def _hooks_of(configuration: MutatingWebhookConfiguration | ValidatingWebhookConfiguration) -> list[Hook]:
    name, seen, hooks = configuration.metadata.name, Counter[str](), list[Hook]()
    for webhook in configuration.webhooks:
        uid = f"{name}/{webhook.name}/{seen[webhook.name]}"
        seen[webhook.name] += 1
        hooks.append(Hook(name, uid, webhook, Selectors.of(webhook.namespace_selector, webhook.object_selector)))
    return hooks
