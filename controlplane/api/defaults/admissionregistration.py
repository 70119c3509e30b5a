"""Webhook configurations and admission policies."""

from __future__ import annotations

from collections.abc import Iterable

from controlplane.api.codec import Document

_TIMEOUT = 10  # seconds
_PORT = 443


def default_webhooks(configuration: Document) -> None:
    for hook in configuration.get("webhooks") or ():
        _fill(hook, failurePolicy="Fail", matchPolicy="Equivalent")
        _selectors(hook)
        if hook.get("timeoutSeconds") is None:
            hook["timeoutSeconds"] = _TIMEOUT
        _scopes(hook.get("rules") or ())
        service = (hook.get("clientConfig") or {}).get("service")
        if service is not None:
            service.setdefault("port", _PORT)


def default_mutating_webhooks(configuration: Document) -> None:
    default_webhooks(configuration)
    for hook in configuration.get("webhooks") or ():
        _fill(hook, reinvocationPolicy="Never")


def default_policy(policy: Document) -> None:
    spec = policy.setdefault("spec", {})
    _fill(spec, failurePolicy="Fail")
    _match(spec.get("matchConstraints"))


def default_policy_binding(binding: Document) -> None:
    _match(binding.setdefault("spec", {}).get("matchResources"))


def _match(match: Document | None) -> None:
    if match is None:
        return
    _fill(match, matchPolicy="Equivalent")
    _selectors(match)
    _scopes(match.get("resourceRules") or ())
    _scopes(match.get("excludeResourceRules") or ())


def _selectors(document: Document) -> None:
    """Without a selector everything is selected."""
    for name in ("namespaceSelector", "objectSelector"):
        if document.get(name) is None:
            document[name] = {}


def _scopes(rules: Iterable[Document]) -> None:
    for rule in rules:
        _fill(rule, scope="*")


def _fill(document: Document, **texts: str) -> None:
    for name, text in texts.items():
        document[name] = document.get(name) or text
