"""Security contexts: what the pod says, what its container says over it, as the runtime's messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.api.core_v1 import (
    AppArmorProfile,
    Container,
    EphemeralContainer,
    Pod,
    PodSecurityContext,
    SeccompProfile,
    SecurityContext,
    SELinuxOptions,
)
from nodeagent.cri import cri_pb2 as cri
from nodeagent.cri.records import Image
from nodeagent.pods.env import ConfigError
from nodeagent.pods.names import described

_SECCOMP_ROOT = "/var/lib/kubelet/seccomp"
# What containers neither see nor change of the kernel that they share: upstream's pkg/securitycontext of v1.37. The
# runtime has lists of its own and forgets them as soon as a kubelet asks for a container, so they have to be sent.
MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_PROFILE = {
    "RuntimeDefault": cri.SecurityProfile.RuntimeDefault,
    "Unconfined": cri.SecurityProfile.Unconfined,
    "Localhost": cri.SecurityProfile.Localhost,
}


@dataclass(frozen=True, slots=True)
class Hardening:
    """What this node keeps from containers that say nothing of it, and what it can keep from those that ask."""

    masked_paths: Sequence[str] = MASKED_PATHS
    strict_groups: bool = False  # whether the runtime can keep out the groups that an image gives its user


def sandbox_security(pod: Pod) -> cri.LinuxSandboxSecurityContext:
    """Return the security context of the pause process and of the pod's namespaces."""
    context = pod.spec.security_context or PodSecurityContext()
    rendered = cri.LinuxSandboxSecurityContext(
        namespace_options=namespaces(pod),
        privileged=any(one.security_context and one.security_context.privileged for one in _containers(pod)),
        supplemental_groups=_groups(context),
        # The pause process needs no more than the default profile lets through, whatever the pod asks for.
        seccomp=cri.SecurityProfile(profile_type=cri.SecurityProfile.RuntimeDefault),
        selinux_options=_selinux(context.se_linux_options),
    )
    if context.supplemental_groups_policy == "Strict":
        rendered.supplemental_groups_policy = cri.Strict
    if context.run_as_user is not None:
        rendered.run_as_user.value = context.run_as_user
    if context.run_as_group is not None and context.run_as_user is not None:
        rendered.run_as_group.value = context.run_as_group
    return rendered


def container_security(
    pod: Pod,
    container: Container | EphemeralContainer,
    image: Image,
    target_id: str = "",
    hardening: Hardening = Hardening(),
) -> cri.LinuxContainerSecurityContext:
    """Return a container's security context.

    Raises ConfigError where the image contradicts runAsNonRoot, and where the runtime would give more than is wanted.
    """
    outer, own = pod.spec.security_context or PodSecurityContext(), container.security_context or SecurityContext()
    rendered = cri.LinuxContainerSecurityContext(
        privileged=bool(own.privileged),
        readonly_rootfs=bool(own.read_only_root_filesystem),
        namespace_options=namespaces(pod, target_id),
        supplemental_groups=_groups(outer),
        # allowPrivilegeEscalation: false is the kernel's no_new_privs.
        no_new_privs=own.allow_privilege_escalation is False,
        seccomp=_seccomp(own.seccomp_profile or outer.seccomp_profile),
        apparmor=_apparmor(own.app_armor_profile or outer.app_armor_profile),
        selinux_options=_selinux(own.se_linux_options or outer.se_linux_options),
    )
    if not own.privileged and own.proc_mount != "Unmasked":
        rendered.masked_paths.extend(hardening.masked_paths)
        rendered.readonly_paths.extend(READONLY_PATHS)
    if own.capabilities:
        rendered.capabilities.add_capabilities.extend(own.capabilities.add)
        rendered.capabilities.drop_capabilities.extend(own.capabilities.drop)
    if outer.supplemental_groups_policy == "Strict":
        if not hardening.strict_groups:
            raise ConfigError("SupplementalGroupsPolicy=Strict is not supported by the runtime")
        rendered.supplemental_groups_policy = cri.Strict
    _set_user(rendered, pod, container, outer, own, image)
    return rendered


def namespaces(pod: Pod, target_id: str = "") -> cri.NamespaceOption:
    """Return which namespaces are the pod's, the container's or the node's."""
    spec = pod.spec
    process = cri.POD if spec.share_process_namespace else cri.CONTAINER
    if spec.host_pid:
        process = cri.NODE
    elif target_id:
        process = cri.TARGET
    return cri.NamespaceOption(
        network=cri.NODE if spec.host_network else cri.POD,
        pid=process,
        ipc=cri.NODE if spec.host_ipc else cri.POD,
        target_id=target_id,
    )


def _set_user(
    rendered: cri.LinuxContainerSecurityContext,
    pod: Pod,
    container: Container | EphemeralContainer,
    outer: PodSecurityContext,
    own: SecurityContext,
    image: Image,
) -> None:
    user = own.run_as_user if own.run_as_user is not None else outer.run_as_user
    group = own.run_as_group if own.run_as_group is not None else outer.run_as_group
    non_root = own.run_as_non_root if own.run_as_non_root is not None else outer.run_as_non_root
    if non_root:
        _refuse_root(pod, container.name, user, image)
    if user is not None:
        rendered.run_as_user.value = user
    elif image.uid is not None:
        rendered.run_as_user.value = image.uid
    else:
        rendered.run_as_username = image.username
    if group is not None:
        rendered.run_as_group.value = group


def _refuse_root(pod: Pod, name: str, user: int | None, image: Image) -> None:
    where = f'(pod: "{described(pod)}", container: {name})'
    if user == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
    if user is None and image.uid == 0:
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if user is None and image.uid is None and image.username:
        raise ConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({image.username}), "
            f"cannot verify user is non-root {where}"
        )
    if user is None and image.uid is None:
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")


def _groups(context: PodSecurityContext) -> list[int]:
    own = [] if context.fs_group is None else [context.fs_group]
    return list(dict.fromkeys([*own, *context.supplemental_groups]))


def _seccomp(profile: SeccompProfile | None) -> cri.SecurityProfile:
    if profile is None:
        return cri.SecurityProfile(profile_type=cri.SecurityProfile.Unconfined)
    local = f"{_SECCOMP_ROOT}/{profile.localhost_profile}" if profile.type == "Localhost" else ""
    return cri.SecurityProfile(profile_type=_PROFILE[profile.type], localhost_ref=local)


def _apparmor(profile: AppArmorProfile | None) -> cri.SecurityProfile | None:
    if profile is None:
        return None
    return cri.SecurityProfile(profile_type=_PROFILE[profile.type], localhost_ref=profile.localhost_profile)


def _selinux(options: SELinuxOptions | None) -> cri.SELinuxOption | None:
    if options is None:
        return None
    return cri.SELinuxOption(user=options.user, role=options.role, type=options.type, level=options.level)


def _containers(pod: Pod) -> list[Container]:
    return [*pod.spec.init_containers, *pod.spec.containers]
