"""AuthorizationConfiguration (apiserver.config.k8s.io/v1): which authorizers are asked, in which order.

apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
- {type: Node, name: node}
- {type: RBAC, name: rbac}
- type: Webhook
  name: policy
  webhook:
    timeout: 3s
    subjectAccessReviewVersion: v1
    failurePolicy: Deny
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: /etc/sampan/policy.conf}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from controlplane.api.configuration import ConfigurationError, aggregate, decode_configuration
from controlplane.api.names import dns1123_subdomain
from controlplane.auth.expressions import NO_EXPRESSIONS, REQUEST, Expressions
from controlplane.kit.durations import parse_duration

TYPES = ("AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook")
_VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
_LONGEST_TIMEOUT = 30.0  # seconds
_MOST_CONDITIONS = 64


class _Strict(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A field that nobody knows is a mistake."""


class ConnectionInfo(_Strict):
    """Where a webhook is and how to show oneself."""

    type: str = ""
    kube_config_file: str | None = None


class MatchCondition(_Strict):
    """When a webhook is asked."""

    expression: str = ""


class WebhookConfiguration(_Strict):
    """A webhook and how much its answers are worth."""

    authorized_ttl: str = msgspec.field(name="authorizedTTL", default="5m0s")
    cache_authorized_requests: bool = True
    unauthorized_ttl: str = msgspec.field(name="unauthorizedTTL", default="30s")
    cache_unauthorized_requests: bool = True
    timeout: str = ""
    subject_access_review_version: str = ""
    match_condition_subject_access_review_version: str = ""
    failure_policy: str = ""
    connection_info: ConnectionInfo = msgspec.field(default_factory=ConnectionInfo)
    match_conditions: list[MatchCondition] = []


class AuthorizerConfiguration(_Strict):
    """One authorizer."""

    type: str = ""
    name: str = ""
    webhook: WebhookConfiguration | None = None


class AuthorizationConfiguration(_Strict):
    """The file."""

    authorizers: list[AuthorizerConfiguration] = []


def load(text: bytes, expressions: Expressions = NO_EXPRESSIONS) -> AuthorizationConfiguration:
    """Return what a file says. Raises ConfigurationError."""
    configuration = decode_configuration(text, AuthorizationConfiguration, _VERSIONS)
    if problems := list(_problems(configuration, expressions)):
        raise ConfigurationError(aggregate(problems))
    return configuration


Problem: TypeAlias = str


def _problems(configuration: AuthorizationConfiguration, expressions: Expressions) -> Iterator[Problem]:
    if not configuration.authorizers:
        yield "authorizers: Required value: at least one authorization mode must be defined"
    types, names = set[str](), set[str]()
    for number, one in enumerate(configuration.authorizers):
        path = f"authorizers[{number}]"
        if not one.type:
            yield f"{path}.type: Required value"
        elif one.type not in TYPES:
            listed = ", ".join(f'"{known}"' for known in TYPES)
            yield f'{path}.type: Unsupported value: "{one.type}": supported values: {listed}'
        elif one.type in types and one.type != "Webhook":
            yield f'{path}.type: Duplicate value: "{one.type}"'
        else:
            types.add(one.type)
            yield from _name_problems(one.name, names, path)
            names.add(one.name)
            yield from _kind_problems(one, path, expressions)


def _name_problems(name: str, names: set[str], path: str) -> Iterator[Problem]:
    if not name:
        yield f"{path}.name: Required value"
    elif name in names:
        yield f'{path}.name: Duplicate value: "{name}"'
    elif wrong := dns1123_subdomain(name):
        yield f'{path}.name: Invalid value: "{name}": authorizer name is invalid: {", ".join(wrong)}'


def _kind_problems(one: AuthorizerConfiguration, path: str, expressions: Expressions) -> Iterator[Problem]:
    if one.type == "Webhook" and one.webhook is None:
        yield f"{path}.webhook: Required value: required when type=Webhook"
    elif one.type == "Webhook" and one.webhook is not None:
        yield from _webhook_problems(one.webhook, path)
        yield from _condition_problems(one.webhook, path, expressions)
    elif one.webhook is not None:
        yield f'{path}.webhook: Invalid value: "non-null": may only be specified when type=Webhook'


def _webhook_problems(webhook: WebhookConfiguration, path: str) -> Iterator[Problem]:
    yield from _duration_problems(webhook.timeout, f"{path}.timeout", _LONGEST_TIMEOUT, "must be > 0s and <= 30s")
    for name, text in (("authorizedTTL", webhook.authorized_ttl), ("unauthorizedTTL", webhook.unauthorized_ttl)):
        yield from _duration_problems(text, f"{path}.{name}", float("inf"), "must be > 0s")
    yield from _one_of(webhook.subject_access_review_version, f"{path}.subjectAccessReviewVersion", ("v1", "v1beta1"))
    yield from _one_of(webhook.failure_policy, f"{path}.failurePolicy", ("NoOpinion", "Deny"))
    yield from _connection_problems(webhook.connection_info, f"{path}.connectionInfo")


def _condition_problems(webhook: WebhookConfiguration, path: str, expressions: Expressions) -> Iterator[Problem]:
    version, conditions = webhook.match_condition_subject_access_review_version, webhook.match_conditions
    if conditions and not version:
        why = "required if match conditions are specified"
        yield f"{path}.matchConditionSubjectAccessReviewVersion: Required value: {why}"
    if version:
        yield from _one_of(version, f"{path}.matchConditionSubjectAccessReviewVersion", ("v1",))
    if len(conditions) > _MOST_CONDITIONS:
        yield f"{path}.matchConditions: Too many: {len(conditions)}: must have at most {_MOST_CONDITIONS} items"
        return
    for number, condition in enumerate(conditions):
        where, expression = f"{path}.matchConditions[{number}].expression", condition.expression
        if not expression.strip():
            yield f"{where}: Required value"
        elif expression in [one.expression for one in conditions[:number]]:
            yield f"{where}: Duplicate value: {json.dumps(expression)}"
        elif problem := expressions.problem(REQUEST, expression):
            yield f"{where}: Invalid value: {json.dumps(expression)}: {problem}"


def _duration_problems(text: str, path: str, most: float, rule: str) -> Iterator[Problem]:
    try:
        seconds = parse_duration(text) if text else 0.0
    except ValueError as error:
        yield f'{path}: Invalid value: "{text}": {error}'
        return
    if not seconds:
        yield f"{path}: Required value"
    elif seconds > most:
        yield f'{path}: Invalid value: "{text}": {rule}'


def _one_of(value: str, path: str, known: tuple[str, ...]) -> Iterator[Problem]:
    if not value:
        yield f"{path}: Required value"
    elif value not in known:
        listed = ", ".join(f'"{one}"' for one in known)
        yield f'{path}: Unsupported value: "{value}": supported values: {listed}'


def _connection_problems(connection: ConnectionInfo, path: str) -> Iterator[Problem]:
    file = connection.kube_config_file
    if connection.type == "InClusterConfig":
        yield f'{path}.type: Invalid value: "InClusterConfig": this server does not run in a pod'
        return
    yield from _one_of(connection.type, f"{path}.type", ("InClusterConfig", "KubeConfigFile"))
    if connection.type == "KubeConfigFile":
        if not file:
            yield f"{path}.kubeConfigFile: Required value"
        elif not file.startswith("/"):
            yield f'{path}.kubeConfigFile: Invalid value: "{file}": must be an absolute path'
