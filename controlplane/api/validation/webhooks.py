"""Configurations of admission webhooks: all that can be said of them without compiling an expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from controlplane.api import names
from controlplane.api.admissionregistration_v1 import (
    MutatingWebhook,
    MutatingWebhookConfiguration,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
    WebhookClientConfig,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.admission_rules import (
    validate_choice,
    validate_failure_policy,
    validate_match_conditions,
    validate_match_policy,
    validate_rule,
)
from controlplane.api.validation.errors import duplicate, invalid, not_supported, required
from controlplane.api.validation.selectors import validate_selector
from controlplane.api.validation.webhook_clients import REVIEWS, is_readable, validate_client, validate_review_versions

Webhook: TypeAlias = MutatingWebhook | ValidatingWebhook
Configuration: TypeAlias = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

_HARMLESS = ("None", "NoneOnDryRun")
_SIDE_EFFECTS = ("None", "NoneOnDryRun", "Some", "Unknown")
_REINVOCATION = ("IfNeeded", "Never")
_TIMEOUTS = range(1, 31)  # seconds


def validate_webhooks(configuration: Configuration) -> list[FieldError]:
    return list(_validate(configuration.webhooks, harmless=True, readable=True, unique=True))


def validate_webhooks_update(new: Configuration, old: Configuration) -> list[FieldError]:
    """What was stored before a rule was made may go on breaking it."""
    before: Sequence[Webhook] = old.webhooks
    called = [hook.name for hook in before]
    return list(
        _validate(
            new.webhooks,
            harmless=all(hook.side_effects in _HARMLESS for hook in before),
            readable=all(is_readable(hook.admission_review_versions) for hook in before),
            unique=len(set(called)) == len(called),
        )
    )


def _validate(hooks: Iterable[Webhook], *, harmless: bool, readable: bool, unique: bool) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, hook in enumerate(hooks):
        path = f"webhooks[{index}]"
        yield from _validate_webhook(hook, path, _HARMLESS if harmless else _SIDE_EFFECTS)
        versions = hook.admission_review_versions
        if not versions:
            yield required(f"{path}.admissionReviewVersions", f"must specify one of {', '.join(REVIEWS)}")
        yield from validate_review_versions(versions, f"{path}.admissionReviewVersions", readable=readable)
        if unique and hook.name and hook.name in seen:
            yield duplicate(f"{path}.name", hook.name)
        seen.add(hook.name)


def _validate_webhook(hook: Webhook, path: str, side_effects: Sequence[str]) -> Iterator[FieldError]:
    yield from _validate_name(hook.name, f"{path}.name")
    for index, rule in enumerate(hook.rules):
        yield from validate_rule(rule, f"{path}.rules[{index}]")
    yield from validate_failure_policy(hook.failure_policy, f"{path}.failurePolicy")
    yield from validate_match_policy(hook.match_policy, f"{path}.matchPolicy")
    if not hook.side_effects:
        yield required(f"{path}.sideEffects", f"must specify one of {', '.join(side_effects)}")
    elif hook.side_effects not in side_effects:
        yield not_supported(f"{path}.sideEffects", hook.side_effects, side_effects)
    if hook.timeout_seconds is not None and hook.timeout_seconds not in _TIMEOUTS:
        why = "the timeout value must be between 1 and 30 seconds"
        yield invalid(f"{path}.timeoutSeconds", hook.timeout_seconds, why)
    yield from validate_selector(hook.namespace_selector, f"{path}.namespaceSelector")
    yield from validate_selector(hook.object_selector, f"{path}.objectSelector")
    if isinstance(hook, MutatingWebhook):
        yield from validate_choice(hook.reinvocation_policy, f"{path}.reinvocationPolicy", _REINVOCATION)
    yield from validate_client(hook.client_config or WebhookClientConfig(), f"{path}.clientConfig")
    yield from validate_match_conditions(hook.match_conditions, f"{path}.matchConditions")


def _validate_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    if problems := names.dns1123_subdomain(name):
        return [invalid(path, name, ",".join(problems))]
    if name.count(".") < 2:
        return [invalid(path, name, "should be a domain with at least three segments separated by dots")]
    return []
