"""Security contexts of pods and containers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.core_v1 import AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, duplicate, forbidden, invalid, not_supported, required

_SYSCTL_PART = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = f"({_SYSCTL_PART}[\\./])*{_SYSCTL_PART}"


def validate_security_context(context: SecurityContext | None, spec: PodSpec, path: str) -> Iterator[FieldError]:
    if context is None:
        return
    for field, number in (("runAsUser", context.run_as_user), ("runAsGroup", context.run_as_group)):
        if number is not None:
            yield from checked(f"{path}.{field}", number, names.user_id(number))
    if context.proc_mount not in ("", "Default", "Unmasked"):
        yield not_supported(f"{path}.procMount", context.proc_mount, ("Default", "Unmasked"))
    if context.proc_mount == "Unmasked" and spec.host_users is not False:
        yield invalid(f"{path}.procMount", "Unmasked", "`hostUsers` must be false to use `Unmasked`")
    yield from _validate_seccomp(context.seccomp_profile, f"{path}.seccompProfile")
    yield from _validate_app_armor(context.app_armor_profile, f"{path}.appArmorProfile")
    if context.allow_privilege_escalation is False:
        yield from _validate_no_escalation(context, path)


def _validate_no_escalation(context: SecurityContext, path: str) -> Iterator[FieldError]:
    if context.privileged:
        yield invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
    if context.capabilities and "CAP_SYS_ADMIN" in context.capabilities.add:
        why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        yield invalid(path, context, why)


def validate_pod_security_context(spec: PodSpec, path: str) -> Iterator[FieldError]:
    context = spec.security_context
    if spec.share_process_namespace and spec.host_pid:
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield invalid(f"{path}.shareProcessNamespace", True, why)
    if context is None:
        return
    yield from _validate_identities(context, f"{path}.securityContext")
    yield from _validate_sysctls(context, spec, f"{path}.securityContext.sysctls")
    if context.fs_group_change_policy not in ("", "Always", "OnRootMismatch"):
        supported = ("Always", "OnRootMismatch")
        yield not_supported(f"{path}.securityContext.fsGroupChangePolicy", context.fs_group_change_policy, supported)
    if context.supplemental_groups_policy not in ("", "Merge", "Strict"):
        field = f"{path}.securityContext.supplementalGroupsPolicy"
        yield not_supported(field, context.supplemental_groups_policy, ("Merge", "Strict"))
    yield from _validate_seccomp(context.seccomp_profile, f"{path}.securityContext.seccompProfile")
    yield from _validate_app_armor(context.app_armor_profile, f"{path}.securityContext.appArmorProfile")


def _validate_identities(context: PodSecurityContext, path: str) -> Iterator[FieldError]:
    for field, number in (
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
        ("fsGroup", context.fs_group),
    ):
        if number is not None:
            yield from checked(f"{path}.{field}", number, names.user_id(number))
    for index, group in enumerate(context.supplemental_groups):
        yield from checked(f"{path}.supplementalGroups[{index}]", group, names.user_id(group))


def _validate_sysctls(context: PodSecurityContext, spec: PodSpec, path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, sysctl in enumerate(context.sysctls):
        field, name = f"{path}[{index}].name", sysctl.name.replace("/", ".")
        if not sysctl.name:
            yield required(field)
        elif len(sysctl.name) > 253 or not re.fullmatch(_SYSCTL, sysctl.name):
            yield invalid(field, sysctl.name, f"must have at most 253 characters and match regex ^{_SYSCTL}$")
        elif sysctl.name in seen:
            yield duplicate(field, sysctl.name)
        if spec.host_network and name.startswith("net."):
            yield invalid(field, sysctl.name, "may not be specified when 'hostNetwork' is true")
        if spec.host_ipc and name.startswith(("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")):
            yield invalid(field, sysctl.name, "may not be specified when 'hostIPC' is true")
        seen.add(sysctl.name)


_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")


def _validate_seccomp(profile: SeccompProfile | None, path: str) -> Iterator[FieldError]:
    if profile is None:
        return
    if not profile.type:
        yield required(f"{path}.type", "type is required when seccompProfile is set")
    elif profile.type not in _PROFILES:
        yield not_supported(f"{path}.type", profile.type, _PROFILES)
    if profile.type == "Localhost":
        if not profile.localhost_profile:
            yield required(f"{path}.localhostProfile", "must be set when seccomp type is Localhost")
        elif profile.localhost_profile.startswith("/"):
            yield invalid(f"{path}.localhostProfile", profile.localhost_profile, "must be a relative path")
    elif profile.localhost_profile:
        why = "can only be set when seccomp type is Localhost"
        yield invalid(f"{path}.localhostProfile", profile.localhost_profile, why)


def _validate_app_armor(profile: AppArmorProfile | None, path: str) -> Iterator[FieldError]:
    if profile is None:
        return
    if not profile.type:
        yield required(f"{path}.type", "type is required when appArmorProfile is set")
    elif profile.type not in _PROFILES:
        yield not_supported(f"{path}.type", profile.type, _PROFILES)
    if profile.type == "Localhost" and not profile.localhost_profile.strip():
        yield required(f"{path}.localhostProfile", "must be set when AppArmor type is Localhost")
    elif profile.type != "Localhost" and profile.localhost_profile:
        yield forbidden(f"{path}.localhostProfile", "can only be set when AppArmor type is Localhost")
