"""Configurations of admission webhooks: all that can be said of them without compiling an expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from controlplane.api import names
from controlplane.api.admissionregistration_v1 import (
    MutatingWebhook,
    MutatingWebhookConfiguration,
    ServiceReference,
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

Webhook: TypeAlias = MutatingWebhook | ValidatingWebhook
Configuration: TypeAlias = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

_REVIEWS = ("v1", "v1beta1")
_HARMLESS = ("None", "NoneOnDryRun")
_SIDE_EFFECTS = ("None", "NoneOnDryRun", "Some", "Unknown")
_REINVOCATION = ("IfNeeded", "Never")
_FORM = "; desired format: https://host[/path]"
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
            readable=all(_is_readable(hook.admission_review_versions) for hook in before),
            unique=len(set(called)) == len(called),
        )
    )


def _is_readable(versions: Sequence[str]) -> bool:
    return not versions or any(version in _REVIEWS for version in versions)


def _validate(hooks: Iterable[Webhook], *, harmless: bool, readable: bool, unique: bool) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, hook in enumerate(hooks):
        path = f"webhooks[{index}]"
        yield from _validate_webhook(hook, path, _HARMLESS if harmless else _SIDE_EFFECTS)
        yield from _validate_reviews(hook.admission_review_versions, f"{path}.admissionReviewVersions", readable)
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
    yield from _validate_client(hook.client_config or WebhookClientConfig(), f"{path}.clientConfig")
    yield from validate_match_conditions(hook.match_conditions, f"{path}.matchConditions")


def _validate_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    if problems := names.dns1123_subdomain(name):
        return [invalid(path, name, ",".join(problems))]
    if name.count(".") < 2:
        return [invalid(path, name, "should be a domain with at least three segments separated by dots")]
    return []


def _validate_reviews(versions: list[str], path: str, readable: bool) -> Iterator[FieldError]:
    if not versions:
        yield required(path, f"must specify one of {', '.join(_REVIEWS)}")
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            yield invalid(f"{path}[{index}]", version, "duplicate version")
            continue
        for problem in names.dns1035_label(version):
            yield invalid(f"{path}[{index}]", version, problem)
    if readable and not _is_readable(versions):
        yield invalid(path, versions, f"must include at least one of {', '.join(_REVIEWS)}")


def _validate_client(client: WebhookClientConfig, path: str) -> Iterator[FieldError]:
    if bool(client.url) == (client.service is not None):
        yield required(path, "exactly one of url or service is required")
    elif client.service is not None:
        yield from validate_webhook_service(client.service, f"{path}.service")
    else:
        yield from validate_webhook_url(client.url, f"{path}.url")


def validate_webhook_url(url: str, path: str) -> Iterator[FieldError]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield required(path, f"url must be a valid URL: {error}{_FORM}")
        return
    yield from _validate_url_parts(parts, path)


def _validate_url_parts(parts: SplitResult, path: str) -> Iterator[FieldError]:
    user, at, host = parts.netloc.rpartition("@")
    if parts.scheme != "https":
        yield invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}")
    if not host:
        yield invalid(path, host, f"host must be specified{_FORM}")
    if at:
        yield invalid(path, user, "user information is not permitted in the URL")
    if parts.fragment:
        yield invalid(path, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        yield invalid(path, parts.query, "query parameters are not permitted in the URL")


def validate_webhook_service(service: ServiceReference, path: str) -> Iterator[FieldError]:
    if not service.name:
        yield required(f"{path}.name")
    if not service.namespace:
        yield required(f"{path}.namespace")
    if problems := names.port_number(service.port or 0):
        yield invalid(f"{path}.port", service.port or 0, f"port is not valid: {', '.join(problems)}")
    yield from _validate_url_path(service.path, f"{path}.path")


def _validate_url_path(url: str, path: str) -> Iterator[FieldError]:
    if url in ("", "/"):
        return
    if url == "//":
        yield invalid(path, url, "segment[0] may not be empty")
        return
    if not url.startswith("/"):
        yield invalid(path, url, "must start with a '/'")
    for index, step in enumerate(url[1:].removesuffix("/").split("/")):
        if not step:
            yield invalid(path, url, f"segment[{index}] may not be empty")
            continue
        for problem in names.dns1123_subdomain(step):
            yield invalid(path, url, f"segment[{index}]: {problem}")
