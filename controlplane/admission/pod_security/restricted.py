"""The checks of level restricted: what a pod has to give up, and has to say that it does."""

from __future__ import annotations

from controlplane.admission.pod_security.baseline import PROFILES, seccomp_profile
from controlplane.admission.pod_security.violations import (
    Violation,
    named,
    plural,
    quoted,
    secured,
    setters,
    uses,
)
from controlplane.api.codec import to_document
from controlplane.api.core_v1 import PodSecurityContext, PodSpec, Volume
from controlplane.api.meta_v1 import ObjectMeta

_VOLUMES = frozenset(
    {
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
        "secret",
    }
)  # fmt: skip

_SILENT = PodSecurityContext()


def allow_privilege_escalation(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    bad = [name for name, context in secured(spec) if context.allow_privilege_escalation is not False]
    if not bad:
        return None
    return Violation(
        "allowPrivilegeEscalation != false",
        f"{named('container', bad)} must set securityContext.allowPrivilegeEscalation=false",
    )


def capabilities(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    found = {name: context.capabilities for name, context in secured(spec)}
    keeping = [name for name, one in found.items() if one is None or "ALL" not in one.drop]
    added = {name: set(one.add) - {"NET_BIND_SERVICE"} for name, one in found.items() if one is not None}
    adding = [name for name, names in added.items() if names]
    details = []
    if keeping:
        details.append(f'{named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        every = quoted(sorted(set().union(*added.values())))
        details.append(f"{named('container', adding)} must not include {every} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def volumes(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    kinds = {volume.name: _kind(volume) for volume in spec.volumes}
    bad = {name: kind for name, kind in kinds.items() if kind not in _VOLUMES}
    if not bad:
        return None
    types = sorted(set(bad.values()))
    what = f"{plural('restricted volume type', len(types))} {quoted(types)}"
    return Violation("restricted volume types", f"{named('volume', list(bad))} {uses(bad)} {what}")


def _kind(volume: Volume) -> str:
    return next((key for key in to_document(volume) if key != "name"), "unknown")


def run_as_non_root(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    of_pod = (spec.security_context or _SILENT).run_as_non_root
    said = {name: context.run_as_non_root for name, context in secured(spec)}
    bad = [name for name, one in said.items() if one is False]
    reason = "runAsNonRoot != true"
    if of_pod is False or bad:
        return Violation(reason, f"{setters(of_pod is False, bad)} must not set securityContext.runAsNonRoot=false")
    silent = [name for name, one in said.items() if one is None]
    if of_pod or not silent:
        return None
    return Violation(reason, f"pod or {named('container', silent)} must set securityContext.runAsNonRoot=true")


def run_as_user(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    bad_pod = (spec.security_context or _SILENT).run_as_user == 0
    bad = [name for name, context in secured(spec) if context.run_as_user == 0]
    if not bad_pod and not bad:
        return None
    return Violation("runAsUser=0", f"{setters(bad_pod, bad)} must not set runAsUser=0")


def seccomp(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    if (wrong := seccomp_profile(metadata, spec)) is not None:
        return wrong
    of_pod = (spec.security_context or _SILENT).seccomp_profile
    silent = [name for name, context in secured(spec) if context.seccomp_profile is None]
    if of_pod is not None or not silent:
        return None
    choice = " or ".join(f'"{profile}"' for profile in PROFILES)
    return Violation(
        "seccompProfile",
        f"pod or {named('container', silent)} must set securityContext.seccompProfile.type to {choice}",
    )
