"""The audit policy: a file of rules, of which the first that matches a request says how much is told of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec
import yaml

from controlplane.api import fields
from controlplane.api.base import KubeStruct
from controlplane.api.names import dns1123_subdomain
from controlplane.apiserver.request_info import RequestInfo
from controlplane.auth.interface import User

_log = logging.getLogger(__name__)

API_VERSION = "audit.k8s.io/v1"
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")


class Level(IntEnum):
    """How much is told of a request; each level tells all that the one before does."""

    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS = ("None", "Metadata", "Request", "RequestResponse")
_LEVELS = dict(zip(_TEXTS, Level, strict=True))


class PolicyError(ValueError):
    """A policy that cannot be used; the message names every mistake."""


class GroupResources(KubeStruct):
    group: str = ""
    resources: list[str] = []
    resource_names: list[str] = []


class PolicyRule(KubeStruct):
    level: str = ""
    users: list[str] = []
    user_groups: list[str] = []
    verbs: list[str] = []
    resources: list[GroupResources] = []
    namespaces: list[str] = []
    non_resource_urls: list[str] = []
    omit_stages: list[str] = []
    omit_managed_fields: bool | None = None


class Policy(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: dict[str, Any] = {}
    rules: list[PolicyRule] = []
    omit_stages: list[str] = []
    omit_managed_fields: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is told of a request, and at which stages."""

    level: Level
    omit_stages: frozenset[str]
    omit_managed_fields: bool


def match(policy: Policy, user: User | None, info: RequestInfo) -> Verdict:
    """Return what the first matching rule says; None where there is none. Without `user` nobody is authenticated."""
    for rule in policy.rules:
        if _matches(rule, user, info):
            omit = rule.omit_managed_fields
            return Verdict(
                _LEVELS[rule.level],
                frozenset((*policy.omit_stages, *rule.omit_stages)),
                policy.omit_managed_fields if omit is None else omit,
            )
    return Verdict(Level.NONE, frozenset(policy.omit_stages), policy.omit_managed_fields)


def _matches(rule: PolicyRule, user: User | None, info: RequestInfo) -> bool:
    if rule.users and (user is None or user.name not in rule.users):
        return False
    if rule.user_groups and (user is None or not any(group in rule.user_groups for group in user.groups)):
        return False
    if rule.verbs and info.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return info.is_resource and _resource_matches(rule, info)
    if rule.non_resource_urls:
        return not info.is_resource and any(_path_matches(url, info.path) for url in rule.non_resource_urls)
    return True


def _path_matches(url: str, path: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url.rstrip("*")))


def _resource_matches(rule: PolicyRule, info: RequestInfo) -> bool:
    if rule.namespaces and info.namespace not in rule.namespaces:  # "" is what has no namespace
        return False
    return not rule.resources or any(_group_matches(one, info) for one in rule.resources)


def _group_matches(wanted: GroupResources, info: RequestInfo) -> bool:
    if wanted.group not in (info.group, "*"):
        return False
    if not wanted.resources:
        return True
    if wanted.resource_names and info.name not in wanted.resource_names:
        return False
    if not info.subresource:
        found = {"*", info.resource, f"{info.resource}/*"}
    else:
        found = {"*", f"{info.resource}/{info.subresource}", f"*/{info.subresource}", f"{info.resource}/*"}
    return not found.isdisjoint(wanted.resources)


# --- the file


def load_policy(text: bytes) -> Policy:
    """Return the policy that a file holds. Raises PolicyError."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError(f"failed decoding: {error}") from error
    if not isinstance(document, dict):
        raise PolicyError("failed decoding: the policy is no mapping")
    if (document.get("apiVersion"), document.get("kind")) != (API_VERSION, "Policy"):
        found = f"{document.get('apiVersion')}, Kind={document.get('kind')}"
        raise PolicyError(f"unknown group version field {found} in policy: it must be {API_VERSION}, Kind=Policy")
    if mistakes := fields.prune(document, Policy):
        _log.warning("the audit policy contains errors, which are passed over: %s", ", ".join(mistakes))
    try:
        policy = msgspec.convert(document, Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(f"failed decoding: {error}") from error
    if errors := list(_mistakes(policy)):
        raise PolicyError(", ".join(errors))
    if not policy.rules:
        raise PolicyError("loaded illegal policy with 0 rules")
    return policy


def _mistakes(policy: Policy) -> Iterator[str]:
    yield from _stage_mistakes("omitStages", policy.omit_stages)
    for number, rule in enumerate(policy.rules):
        yield from _rule_mistakes(f"rules[{number}]", rule)


def _rule_mistakes(path: str, rule: PolicyRule) -> Iterator[str]:
    if not rule.level:
        yield f"{path}.level: Required value"
    elif rule.level not in _LEVELS:
        supported = ", ".join(f'"{level}"' for level in sorted(_TEXTS))
        yield f'{path}.level: Unsupported value: "{rule.level}": supported values: {supported}'
    for number, url in enumerate(rule.non_resource_urls):
        yield from _url_mistakes(f"{path}.nonResourceURLs[{number}]", url)
    for wanted in rule.resources:
        yield from _resource_mistakes(f"{path}.resources", wanted)
    yield from _stage_mistakes(f"{path}.omitStages", rule.omit_stages)
    if rule.non_resource_urls and (rule.resources or rule.namespaces):
        why = "rules cannot apply to both regular resources and non-resource URLs"
        yield _invalid(f"{path}.nonResourceURLs", rule.non_resource_urls, why)


def _url_mistakes(path: str, url: str) -> Iterator[str]:
    if url == "*":
        return
    if not url.startswith("/"):
        yield _invalid(path, url, "non-resource URL rules must begin with a '/' character")
    if "*" in url[:-1]:
        yield _invalid(path, url, "non-resource URL wildcards '*' must be the final character of the rule")


def _resource_mistakes(path: str, wanted: GroupResources) -> Iterator[str]:
    if wanted.group not in ("", "*"):
        for why in dns1123_subdomain(wanted.group):
            yield _invalid(f"{path}.group", wanted.group, why)
    if wanted.resource_names and not wanted.resources:
        why = "using resourceNames requires at least one resource"
        yield _invalid(f"{path}.resourceNames", wanted.resource_names, why)


def _stage_mistakes(path: str, stages: Sequence[str]) -> Iterator[str]:
    for number, stage in enumerate(stages):
        if stage not in STAGES:
            yield _invalid(f"{path}[{number}]", stage, f"allowed stages are {','.join(STAGES)}")


def _invalid(path: str, value: Any, why: str) -> str:
    return f"{path}: Invalid value: {msgspec.json.encode(value).decode()}: {why}"
