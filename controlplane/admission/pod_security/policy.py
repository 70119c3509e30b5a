"""What the labels of a namespace ask of its pods: a level and a version of the standards for each mode."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from controlplane.api.status import FieldError

PREFIX = "pod-security.kubernetes.io/"
LATEST = 10**6  # a minor version above all others: "latest"

_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")


class Level(IntEnum):
    """How much a pod may do; a greater level allows less."""

    PRIVILEGED = 0
    BASELINE = 1
    RESTRICTED = 2


_LEVELS = {level.name.lower(): level for level in Level}


@dataclass(frozen=True, slots=True)
class Standard:
    """A level, as it was in a minor version of Kubernetes 1.x."""

    level: Level = Level.PRIVILEGED
    version: int = LATEST

    def __str__(self) -> str:
        return f"{self.level.name.lower()}:{'latest' if self.version == LATEST else f'v1.{self.version}'}"

    def same_as(self, other: Standard) -> bool:
        """Return whether both allow the same; of the privileged level all versions do."""
        return self == other or self.level == other.level == Level.PRIVILEGED


@dataclass(frozen=True, slots=True)
class Policy:
    """A standard for each mode."""

    enforce: Standard = Standard()
    audit: Standard = Standard()
    warn: Standard = Standard()

    @property
    def modes(self) -> tuple[tuple[str, Standard], ...]:
        return ("enforce", self.enforce), ("audit", self.audit), ("warn", self.warn)

    @property
    def privileged(self) -> bool:
        """Whether nobody is asked for anything."""
        return not (self.enforce.level or self.audit.level or self.warn.level)

    def same_as(self, other: Policy) -> bool:
        return all(ours.same_as(theirs) for (_, ours), (_, theirs) in zip(self.modes, other.modes, strict=True))


@dataclass(frozen=True, slots=True)
class Exemptions:
    """Who is not asked at all."""

    usernames: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PodSecuritySettings:
    """What a cluster's administrator sets: the policy of namespaces without labels, and exemptions."""

    defaults: Policy = Policy()
    exemptions: Exemptions = Exemptions()


DEFAULT_SETTINGS = PodSecuritySettings()


def parse_level(text: str) -> Level | None:
    return _LEVELS.get(text)


def parse_version(text: str) -> int | None:
    """Return the minor version that "latest" or "v1.30" means."""
    if text == "latest":
        return LATEST
    found = _VERSION.fullmatch(text)
    return int(found[1]) if found else None


def policy_of(labels: Mapping[str, str], defaults: Policy) -> tuple[Policy, list[FieldError]]:
    """Return what the labels ask for, and what is wrong with them.

    A level that nobody knows is the strictest one where it is enforced, and none where it only tells. Who enforces and
    says nothing of warnings is warned by what is enforced, if that is stricter.
    """
    if not any(key.startswith(PREFIX) for key in labels):
        return defaults, []
    errors: list[FieldError] = []
    enforce = _standard("enforce", labels, defaults.enforce, Level.RESTRICTED, errors)
    audit = _standard("audit", labels, defaults.audit, Level.PRIVILEGED, errors)
    warn = _standard("warn", labels, defaults.warn, Level.PRIVILEGED, errors)
    level_known = parse_level(labels.get(f"{PREFIX}enforce", "")) is not None
    if f"{PREFIX}warn" not in labels and level_known and enforce.level > warn.level:
        own_version = f"{PREFIX}warn-version" in labels
        warn = Standard(enforce.level, warn.version if own_version else enforce.version)
    return Policy(enforce, audit, warn), errors


def _standard(
    mode: str, labels: Mapping[str, str], default: Standard, fallback: Level, errors: list[FieldError]
) -> Standard:
    standard = default
    if (text := labels.get(f"{PREFIX}{mode}")) is not None:
        level = parse_level(text)
        if level is None:
            errors.append(_invalid(mode, text, f"must be one of {', '.join(_LEVELS)}"))
        standard = replace(standard, level=fallback if level is None else level)
    if (text := labels.get(f"{PREFIX}{mode}-version")) is not None:
        version = parse_version(text)
        if version is None:
            errors.append(_invalid(f"{mode}-version", text, 'must be "latest" or "v1.x"'))
        standard = replace(standard, version=LATEST if version is None else version)
    return standard


def _invalid(label: str, value: str, why: str) -> FieldError:
    return FieldError("FieldValueInvalid", f"metadata.labels[{PREFIX}{label}]", f'Invalid value: "{value}": {why}')


def explicit_modes(policy: Policy, labels: Mapping[str, str]) -> str:
    """Return the modes that the labels themselves set, as messages show them: "enforce=baseline:latest"."""
    return ", ".join(f"{mode}={standard}" for mode, standard in policy.modes if standard.level and _set(mode, labels))


def _set(mode: str, labels: Mapping[str, str]) -> bool:
    keys: Sequence[str] = (f"{PREFIX}{mode}", f"{PREFIX}{mode}-version")
    return any(key in labels for key in keys)
