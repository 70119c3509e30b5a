"""What plug-ins are told by --admission-control-config-file: each section from its text to values.

`cmd/admission.py` reads the file. Raises ConfigurationError, with upstream's words where clients of the flag know them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from controlplane.admission.event_rate_limit import KEYS, EventLimit
from controlplane.admission.pod_node_selector import parse_selector
from controlplane.admission.pod_security.policy import (
    DEFAULT_SETTINGS,
    Exemptions,
    PodSecuritySettings,
    Policy,
    Standard,
    parse_level,
    parse_version,
)
from controlplane.admission.pod_toleration_restriction import TolerationSettings
from controlplane.api.configuration import ConfigurationError, aggregate, decode_configuration
from controlplane.api.core_v1 import ScopedResourceSelectorRequirement, Toleration
from controlplane.api.quota.charge import LimitedResource


@dataclass(frozen=True, slots=True)
class PluginConfiguration:
    """A section per plug-in that has one; without a file all is as upstream's defaults."""

    pod_security: PodSecuritySettings = DEFAULT_SETTINGS
    node_selectors: Mapping[str, str] = field(default_factory=dict)  # by namespace, and clusterDefaultNodeSelector
    tolerations: TolerationSettings = field(default_factory=TolerationSettings)
    event_limits: Sequence[EventLimit] = ()
    limited: Sequence[LimitedResource] = ()  # ResourceQuota's


DEFAULT_CONFIGURATION = PluginConfiguration()


def read_section(plugin: str, text: bytes) -> dict[str, Any]:
    """Return what the section of a plug-in sets of `PluginConfiguration`; {} for one that needs none.

    Raises ConfigurationError.
    """
    return {name: read(text) for name, read in _READERS.get(plugin, {}).items()}


class _Section(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What a section may hold."""


# --- PodSecurity


class _Defaults(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):
    enforce: str = "privileged"
    enforce_version: str = "latest"
    audit: str = "privileged"
    audit_version: str = "latest"
    warn: str = "privileged"
    warn_version: str = "latest"


class _Exemptions(_Section):
    usernames: list[str] = []
    namespaces: list[str] = []
    runtime_classes: list[str] = []


class PodSecurityConfiguration(_Section):
    defaults: _Defaults = msgspec.field(default_factory=_Defaults)
    exemptions: _Exemptions = msgspec.field(default_factory=_Exemptions)


def _pod_security(text: bytes) -> PodSecuritySettings:
    versions = [f"pod-security.admission.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1")]
    said = decode_configuration(text, PodSecurityConfiguration, versions)
    defaults, problems = said.defaults, list[str]()
    policy = Policy(
        _standard("enforce", defaults.enforce, defaults.enforce_version, problems),
        _standard("audit", defaults.audit, defaults.audit_version, problems),
        _standard("warn", defaults.warn, defaults.warn_version, problems),
    )
    exempt = said.exemptions
    for name, values in (
        ("usernames", exempt.usernames), ("namespaces", exempt.namespaces), ("runtimeClasses", exempt.runtime_classes)
    ):  # fmt: skip
        problems += [
            f'exemptions.{name}[{index}]: Duplicate value: "{value}"' if value else
            f'exemptions.{name}[{index}]: Invalid value: "": must not be empty'
            for index, value in enumerate(values) if not value or value in values[:index]
        ]  # fmt: skip
    if problems:
        raise ConfigurationError(aggregate(problems))
    exemptions = Exemptions(
        frozenset(exempt.usernames), frozenset(exempt.namespaces), frozenset(exempt.runtime_classes)
    )
    return PodSecuritySettings(policy, exemptions)


def _standard(mode: str, level: str, version: str, problems: list[str]) -> Standard:
    known, minor = parse_level(level), parse_version(version)
    if known is None:
        problems.append(f'defaults.{mode}: Invalid value: "{level}": must be one of privileged, baseline, restricted')
    if minor is None:
        problems.append(f'defaults.{mode}-version: Invalid value: "{version}": must be "latest" or "v1.x"')
    return Standard() if known is None or minor is None else Standard(known, minor)


# --- EventRateLimit, PodTolerationRestriction: both kinds are called Configuration


class _Limit(_Section):
    type: str
    qps: int
    burst: int
    cache_size: int = 0


class _EventConfiguration(_Section):
    limits: list[_Limit] = []


class _TolerationConfiguration(_Section):
    default: list[Toleration] = []
    whitelist: list[Toleration] = []


def _event_limits(text: bytes) -> Sequence[EventLimit]:
    versions = ["eventratelimit.admission.k8s.io/v1alpha1"]
    limits = decode_configuration(text, _EventConfiguration, versions, kind="Configuration").limits
    problems = [] if limits else ["limits: Invalid value: []: must not be empty"]
    for index, limit in enumerate(limits):
        at = f"limits[{index}]"
        if limit.type not in KEYS:
            known = ", ".join(f'"{one}"' for one in sorted(KEYS))
            problems.append(f'{at}.type: Unsupported value: "{limit.type}": supported values: {known}')
        for name, value in (("burst", limit.burst), ("qps", limit.qps)):
            if value <= 0:
                problems.append(f"{at}.{name}: Invalid value: {value}: must be positive")
        if limit.cache_size < 0:
            problems.append(f"{at}.cacheSize: Invalid value: {limit.cache_size}: must not be negative")
    if problems:
        raise ConfigurationError(aggregate(problems))
    return [EventLimit(one.type, one.qps, one.burst, one.cache_size or 4096) for one in limits]


def _tolerations(text: bytes) -> TolerationSettings:
    versions = ["podtolerationrestriction.admission.k8s.io/v1alpha1"]
    said = decode_configuration(text, _TolerationConfiguration, versions, kind="Configuration")
    return TolerationSettings(tuple(said.default), tuple(said.whitelist))


# --- PodNodeSelector, whose section is of no kind


class _NodeSelectors(_Section):
    pod_node_selector_plugin_config: dict[str, str] = {}


def _node_selectors(text: bytes) -> Mapping[str, str]:
    said = decode_configuration(text, _NodeSelectors, [""], kind="").pod_node_selector_plugin_config
    for selector in said.values():
        try:
            parse_selector(selector)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
    return said


# --- ResourceQuota


class _Limited(_Section):
    resource: str
    api_group: str = ""
    match_contains: list[str] = []
    match_scopes: list[ScopedResourceSelectorRequirement] = []


class ResourceQuotaConfiguration(_Section):
    limited_resources: list[_Limited] = []


def _limited(text: bytes) -> Sequence[LimitedResource]:
    versions = ["apiserver.config.k8s.io/v1", "resourcequota.admission.k8s.io/v1beta1"]
    kinds = ("ResourceQuotaConfiguration", "Configuration")
    said = decode_configuration(text, ResourceQuotaConfiguration, versions, kind=kinds)
    return [
        LimitedResource(one.resource, one.api_group, tuple(one.match_contains), tuple(one.match_scopes))
        for one in said.limited_resources
    ]


_READERS: Mapping[str, Mapping[str, Any]] = {
    "PodSecurity": {"pod_security": _pod_security},
    "EventRateLimit": {"event_limits": _event_limits},
    "PodTolerationRestriction": {"tolerations": _tolerations},
    "PodNodeSelector": {"node_selectors": _node_selectors},
    "ResourceQuota": {"limited": _limited},
}
CONFIGURABLE = frozenset(_READERS)
