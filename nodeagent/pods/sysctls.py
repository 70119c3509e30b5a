"""Which kernel settings a pod may have: those that the kernel keeps apart for it, and that harm nobody else.

A safe one is free to all; of the others, those that the administrator has named for this node (allowed-unsafe-sysctls).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controlplane.api.core_v1 import Pod
from controlplane.kit.explained import Explained
from nodeagent.pods.admission import Refusal

# Upstream's list of v1.37, which its Pod Security Standards name too.
SAFE = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
)
_BY_NAMESPACE = {"ipc": ("kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue."), "net": ("net.",)}


class NotNamespaced(Explained):
    """A setting of the whole machine cannot be given to a pod."""


def dotted(name: str) -> str:
    """Return a setting's name as the runtime wants it: net/ipv4/conf/eth0.1/x is net.ipv4.conf.eth0/1.x."""
    first = next((character for character in name if character in "./"), ".")
    return name if first == "." else name.translate(str.maketrans("./", "/."))


def parse_patterns(text: str) -> tuple[str, ...]:
    """Return the names and prefixes (`net.core.*`) of a comma-separated list. Raises NotNamespaced."""
    patterns = tuple(dotted(word.strip()) for word in text.split(",") if word.strip())
    for pattern in patterns:
        if _namespace(pattern.removesuffix("*")) is None:
            raise NotNamespaced(f"allowed-unsafe-sysctls: {pattern} is not a setting that pods have for themselves")
    return patterns


def refusal(pod: Pod, allowed: Sequence[str]) -> Refusal | None:
    """Return why the pod cannot have what it asks for; `allowed` are names and prefixes beyond the safe ones."""
    context = pod.spec.security_context
    for sysctl in context.sysctls if context else ():
        name = dotted(sysctl.name)
        why = _forbidden(name, [*SAFE, *allowed], pod)
        if why:
            return Refusal("SysctlForbidden", f'Pod was rejected: forbidden sysctl: "{name}" {why}')
    return None


def _forbidden(name: str, allowed: Iterable[str], pod: Pod) -> str:
    if not any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in allowed):
        return "not allowlisted"
    shared = {"ipc": pod.spec.host_ipc, "net": pod.spec.host_network}
    namespace = _namespace(name)
    if namespace is not None and shared[namespace]:
        return f"not allowed with host {namespace} enabled"
    return ""


def _namespace(name: str) -> str | None:
    """Return which namespace the kernel keeps the setting in, None for the machine's own."""
    for namespace, prefixes in _BY_NAMESPACE.items():
        if any(name == one if one == "kernel.sem" else name.startswith(one) for one in prefixes):
            return namespace
    return None
