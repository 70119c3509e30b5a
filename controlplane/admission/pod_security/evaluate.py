"""Which checks hold at a level and version, and all that they find in a pod."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from controlplane.admission.pod_security import baseline, restricted
from controlplane.admission.pod_security.policy import Level, Standard
from controlplane.admission.pod_security.violations import (
    Check,
    Violation,
    in_user_namespace,
    on_windows,
    unless,
)
from controlplane.api.core_v1 import PodSpec
from controlplane.api.meta_v1 import ObjectMeta


@dataclass(frozen=True, slots=True)
class _Rule:
    """A check as it was from minor versions on; one of level restricted may stand for one of baseline."""

    versions: tuple[tuple[int, Check], ...]
    replaces: str = ""

    def at(self, version: int) -> Check | None:
        return next((check for since, check in reversed(self.versions) if since <= version), None)


# By upstream's names, in whose order violations are told.
_BASELINE = {
    "appArmorProfile": _Rule(((0, baseline.app_armor_profile),)),
    "capabilities_baseline": _Rule(((0, baseline.capabilities),)),
    "hostNamespaces": _Rule(((0, baseline.host_namespaces),)),
    "hostPathVolumes": _Rule(((0, baseline.host_path_volumes),)),
    "hostPorts": _Rule(((0, baseline.host_ports),)),
    "hostProbesAndHostLifecycle": _Rule(((34, baseline.host_probes),)),
    "privileged": _Rule(((0, baseline.privileged),)),
    "procMount": _Rule(((0, baseline.proc_mount), (35, unless(in_user_namespace, baseline.proc_mount)))),
    "seLinuxOptions": _Rule(((0, baseline.se_linux_0), (31, baseline.se_linux_31))),
    "seccompProfile_baseline": _Rule(((0, baseline.seccomp_annotations), (19, baseline.seccomp_profile))),
    "sysctls": _Rule(
        (
            (0, baseline.sysctls_0),
            (27, baseline.sysctls_27),
            (29, baseline.sysctls_29),
            (32, baseline.sysctls_32),
            (37, baseline.sysctls_37),
        )
    ),
    "windowsHostProcess": _Rule(((0, baseline.windows_host_process),)),
}
_RESTRICTED = {
    "allowPrivilegeEscalation": _Rule(
        (
            (8, restricted.allow_privilege_escalation),
            (25, unless(on_windows, restricted.allow_privilege_escalation)),
        )
    ),
    "capabilities_restricted": _Rule(
        ((22, restricted.capabilities), (25, unless(on_windows, restricted.capabilities))), "capabilities_baseline"
    ),
    "procMount_restricted": _Rule(((35, baseline.proc_mount),), "procMount"),
    "restrictedVolumes": _Rule(((0, restricted.volumes),), "hostPathVolumes"),
    "runAsNonRoot": _Rule(
        ((0, restricted.run_as_non_root), (35, unless(in_user_namespace, restricted.run_as_non_root)))
    ),
    "runAsUser": _Rule(((23, restricted.run_as_user), (35, unless(in_user_namespace, restricted.run_as_user)))),
    "seccompProfile_restricted": _Rule(
        ((19, restricted.seccomp), (25, unless(on_windows, restricted.seccomp))), "seccompProfile_baseline"
    ),
}
_NEWEST = max(since for rule in (*_BASELINE.values(), *_RESTRICTED.values()) for since, _ in rule.versions)


def violations(standard: Standard, metadata: ObjectMeta, spec: PodSpec) -> list[Violation]:
    """Return everything in which a pod does not meet a standard."""
    found = (check(metadata, spec) for check in _checks(standard.level, min(standard.version, _NEWEST)))
    return [one for one in found if one is not None]


def shown(found: list[Violation]) -> str:
    return ", ".join(map(str, found))


def reasons(found: list[Violation]) -> str:
    return ", ".join(one.reason for one in found)


@lru_cache(maxsize=256)
def _checks(level: Level, version: int) -> tuple[Check, ...]:
    if level == Level.PRIVILEGED:
        return ()
    strict = {name: rule for name, rule in _RESTRICTED.items() if level == Level.RESTRICTED and rule.at(version)}
    replaced = {rule.replaces for rule in strict.values()}
    rules = [*(rule for name, rule in _BASELINE.items() if name not in replaced), *strict.values()]
    return tuple(check for rule in rules if (check := rule.at(version)) is not None)
