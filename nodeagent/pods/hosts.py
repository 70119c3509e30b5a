"""A pod's host name, and the /etc/hosts that we write for it: the runtime's own would be the node's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controlplane.api.core_v1 import HostAlias, Pod

_LONGEST = 63  # characters in a host name: one DNS label

_LOCAL = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


def hostname(pod: Pod) -> str:
    """Return the pod's host name: its own wish, or its name as far as that fits in a label."""
    if pod.spec.hostname_override:
        return pod.spec.hostname_override
    return pod.spec.hostname or pod.metadata.name[:_LONGEST].rstrip("-.")


def domain_name(pod: Pod, cluster_domain: str) -> str:
    """Return the pod's full name in DNS; "" for a pod without a subdomain."""
    if not pod.spec.subdomain or pod.spec.hostname_override:
        return ""
    return f"{hostname(pod)}.{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{cluster_domain}"


def kernel_hostname(pod: Pod, cluster_domain: str) -> str:
    """Return what hostname(1) prints in the pod; "" on the node's network, which keeps the node's name."""
    if pod.spec.host_network:
        return ""
    full = domain_name(pod, cluster_domain)
    return full if pod.spec.set_hostname_as_fqdn and full else hostname(pod)


def render_hosts(pod: Pod, ips: Sequence[str], cluster_domain: str, node_hosts: str) -> str:
    """Return the pod's /etc/hosts."""
    if pod.spec.host_network:
        body = "# Kubernetes-managed hosts file (host network).\n" + node_hosts
    else:
        names = [name for name in (domain_name(pod, cluster_domain), hostname(pod)) if name]
        own = "".join("\t".join([ip, *names]) + "\n" for ip in ips)
        body = "# Kubernetes-managed hosts file.\n" + _LOCAL + own
    return body + _aliases(pod.spec.host_aliases)


def _aliases(aliases: Iterable[HostAlias]) -> str:
    lines = ["\t".join([alias.ip, *alias.hostnames]) + "\n" for alias in aliases]
    return "\n# Entries added by HostAliases.\n" + "".join(lines) if lines else ""
