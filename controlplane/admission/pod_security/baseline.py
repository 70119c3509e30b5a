"""The checks of level baseline: what would let a pod reach the node it runs on."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.admission.pod_security.violations import (
    AnyContainer,
    Check,
    Violation,
    containers_of,
    named,
    plural,
    quoted,
    secured,
    setters,
    uses,
)
from controlplane.api.core_v1 import HTTPGetAction, PodSecurityContext, PodSpec, SELinuxOptions, TCPSocketAction
from controlplane.api.meta_v1 import ObjectMeta

_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
PROFILES = ("RuntimeDefault", "Localhost")

_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range", "net.ipv4.tcp_syncookies",
    }
)  # fmt: skip
_SYSCTLS_27 = _SYSCTLS | {"net.ipv4.ip_local_reserved_ports"}
_SYSCTLS_29 = _SYSCTLS_27 | {
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
}  # fmt: skip
_SYSCTLS_32 = _SYSCTLS_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
_SYSCTLS_37 = _SYSCTLS_32 | {"net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_slow_start_after_idle"}

_SILENT = PodSecurityContext()


def app_armor_profile(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    of_pod = (spec.security_context or _SILENT).app_armor_profile
    bad_pod = of_pod is not None and of_pod.type not in PROFILES
    profiles = {name: context.app_armor_profile for name, context in secured(spec)}
    bad = {name: profile.type for name, profile in profiles.items() if profile and profile.type not in PROFILES}
    values = sorted({*bad.values(), *([of_pod.type] if of_pod is not None and bad_pod else ())})
    notes = sorted(
        f'{key}="{value}"'
        for key, value in metadata.annotations.items()
        if key.startswith(_APP_ARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    )
    said = [who for who in (setters(bad_pod, list(bad)), plural("annotation", len(notes)) if notes else "") if who]
    if not said:
        return None
    values += notes
    return Violation(
        plural("forbidden AppArmor profile", len(values)),
        f"{' and '.join(said)} must not set AppArmor profile type to {quoted(values)}",
    )


def capabilities(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    added = {name: set(context.capabilities.add) for name, context in secured(spec) if context.capabilities}
    bad = {name: names - _CAPABILITIES for name, names in added.items() if names - _CAPABILITIES}
    if not bad:
        return None
    every = quoted(sorted(set().union(*bad.values())))
    return Violation(
        "non-default capabilities",
        f"{named('container', list(bad))} must not include {every} in securityContext.capabilities.add",
    )


def host_namespaces(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    shared = (("hostNetwork", spec.host_network), ("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc))
    found = [f"{name}=true" for name, on in shared if on]
    return Violation("host namespaces", ", ".join(found)) if found else None


def host_path_volumes(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    found = [volume.name for volume in spec.volumes if volume.host_path is not None]
    return Violation("hostPath volumes", named("volume", found)) if found else None


def host_ports(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    ports = {one.name: [str(port.host_port) for port in one.ports if port.host_port] for one in containers_of(spec)}
    bad = [name for name, found in ports.items() if found]
    if not bad:
        return None
    every = sorted({port for found in ports.values() for port in found})
    return Violation(
        "hostPort", f"{named('container', bad)} {uses(bad)} {plural('hostPort', len(every))} {', '.join(every)}"
    )


def host_probes(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    hosts = {container.name: set(_hosts(container)) for container in containers_of(spec)}
    bad = sorted(name for name, found in hosts.items() if found)
    if not bad:
        return None
    every = sorted(set().union(*hosts.values()))
    what = plural("probe or lifecycle host", len(every))
    return Violation("probe or lifecycle host", f"{named('container', bad)} {uses(bad)} {what} {quoted(every)}")


def _hosts(container: AnyContainer) -> Iterator[str]:
    """Yield the hosts that the node agent is told to call for a container, other than the pod."""
    hooks = container.lifecycle
    probes = (container.liveness_probe, container.readiness_probe, container.startup_probe)
    for one in (*probes, *((hooks.post_start, hooks.pre_stop) if hooks is not None else ())):
        actions: tuple[HTTPGetAction | TCPSocketAction | None, ...] = (one.http_get, one.tcp_socket) if one else ()
        yield from (action.host for action in actions if action is not None and action.host)


def privileged(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    bad = [name for name, context in secured(spec) if context.privileged]
    if not bad:
        return None
    return Violation("privileged", f"{named('container', bad)} must not set securityContext.privileged=true")


def proc_mount(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    bad = {name: context.proc_mount for name, context in secured(spec) if context.proc_mount not in ("", "Default")}
    if not bad:
        return None
    types = quoted(sorted(set(bad.values())))
    return Violation("procMount", f"{named('container', list(bad))} must not set securityContext.procMount to {types}")


def se_linux_options(types: frozenset[str]) -> Check:
    """Return the check that allows these types, and neither a user nor a role."""

    def check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
        of_pod = (spec.security_context or _SILENT).se_linux_options
        bad_pod = [of_pod] if of_pod is not None and _is_bad(of_pod, types) else []
        options = {name: context.se_linux_options for name, context in secured(spec)}
        bad = {name: one for name, one in options.items() if one is not None and _is_bad(one, types)}
        if not bad_pod and not bad:
            return None
        said = "; ".join(_said([*bad_pod, *bad.values()], types))
        who = setters(bool(bad_pod), list(bad))
        return Violation("seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {said}")

    return check


def _is_bad(options: SELinuxOptions, types: frozenset[str]) -> bool:
    return options.type not in types or bool(options.user or options.role)


def _said(options: list[SELinuxOptions], types: frozenset[str]) -> Iterator[str]:
    if bad := sorted({one.type for one in options if one.type not in types}):
        yield named("type", bad)
    if any(one.user for one in options):
        yield "user may not be set"
    if any(one.role for one in options):
        yield "role may not be set"


se_linux_0 = se_linux_options(frozenset({"", "container_t", "container_init_t", "container_kvm_t"}))
se_linux_31 = se_linux_options(
    frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
)


def seccomp_annotations(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    keys = [_SECCOMP_POD, *(f"{_SECCOMP_CONTAINER}{container.name}" for container in containers_of(spec))]
    values = {key: metadata.annotations[key] for key in keys if key in metadata.annotations}
    bad = sorted(f'{key}="{value}"' for key, value in values.items() if not _is_seccomp(value))
    if not bad:
        return None
    return Violation("seccompProfile", f"forbidden {plural('annotation', len(bad))} {', '.join(bad)}")


def _is_seccomp(value: str) -> bool:
    return value in ("runtime/default", "docker/default") or value.startswith("localhost/")


def seccomp_profile(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    """Also the first half of what level restricted asks for."""
    of_pod = (spec.security_context or _SILENT).seccomp_profile
    bad_pod = [of_pod.type] if of_pod is not None and of_pod.type not in PROFILES else []
    profiles = {name: context.seccomp_profile for name, context in secured(spec)}
    bad = {name: one.type for name, one in profiles.items() if one is not None and one.type not in PROFILES}
    if not bad_pod and not bad:
        return None
    types = quoted(sorted({*bad_pod, *bad.values()}))
    who = setters(bool(bad_pod), list(bad))
    return Violation("seccompProfile", f"{who} must not set securityContext.seccompProfile.type to {types}")


def sysctls(allowed: frozenset[str]) -> Check:
    """Return the check that allows these."""

    def check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
        bad = [one.name for one in (spec.security_context or _SILENT).sysctls if one.name not in allowed]
        return Violation("forbidden sysctls", ", ".join(bad)) if bad else None

    return check


sysctls_0, sysctls_27, sysctls_29 = sysctls(_SYSCTLS), sysctls(_SYSCTLS_27), sysctls(_SYSCTLS_29)
sysctls_32, sysctls_37 = sysctls(_SYSCTLS_32), sysctls(_SYSCTLS_37)


def windows_host_process(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    of_pod = (spec.security_context or _SILENT).windows_options
    bad_pod = of_pod is not None and bool(of_pod.host_process)
    options = {name: context.windows_options for name, context in secured(spec)}
    bad = [name for name, one in options.items() if one is not None and one.host_process]
    if not bad_pod and not bad:
        return None
    return Violation(
        "hostProcess", f"{setters(bad_pod, bad)} must not set securityContext.windowsOptions.hostProcess=true"
    )
