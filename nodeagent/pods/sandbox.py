"""Renders a pod as the configuration of its sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from controlplane.api.core_v1 import Pod
from nodeagent.cri import cri_pb2 as cri
from nodeagent.cri.records import POD_NAME, POD_NAMESPACE, POD_UID, RuntimeStatus
from nodeagent.pods import names
from nodeagent.pods.cgroups import CgroupDriver, cgroup_parent
from nodeagent.pods.dns import ClusterDns, resolver_config
from nodeagent.pods.env import ConfigError
from nodeagent.pods.hosts import kernel_hostname
from nodeagent.pods.resources import qos_class
from nodeagent.pods.security import Hardening, sandbox_security
from nodeagent.pods.sysctls import dotted

_PROTOCOL = {"TCP": cri.TCP, "UDP": cri.UDP, "SCTP": cri.SCTP, "": cri.TCP}


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What every pod of this node has in common."""

    name: str
    dns: ClusterDns = field(default_factory=ClusterDns)
    cgroup_driver: CgroupDriver = CgroupDriver.CGROUPFS
    memory_capacity: int = 0  # bytes
    logs: Path = names.LOGS
    log_links: Path = names.LOG_LINKS
    kubelet_root: Path = Path("/var/lib/kubelet")
    host_ips: tuple[str, ...] = ()
    runtime: RuntimeStatus = field(default_factory=RuntimeStatus)  # as seen last: what it can do
    hardening: Hardening = field(default_factory=Hardening)


def pod_labels(pod: Pod) -> dict[str, str]:
    """Return the labels by which the pod's sandbox and containers are found again."""
    meta = pod.metadata
    return {POD_NAME: meta.name, POD_NAMESPACE: meta.namespace, POD_UID: meta.uid}


class Unprepared(ConfigError):
    """The pod claims devices that it would run without."""


def refuse_unsupported(pod: Pod) -> None:
    """Raise ConfigError for a pod that asks for a wall around it, or for devices, which this node cannot give it."""
    if pod.spec.host_users is False:
        # Each pod would need user IDs of its own and volumes mounted through them; its root would be the node's root.
        raise ConfigError("spec.hostUsers: false: this node has no user namespaces for pods")
    claims = claimed(pod)
    if claims:
        raise Unprepared(f"spec.resourceClaims: this node prepares no devices, and {', '.join(claims)} need some")


def claimed(pod: Pod) -> list[str]:
    """Return the names of the pod's claims for devices; a template may turn out to make none for it."""
    made = {one.name: one.resource_claim_name for one in pod.status.resource_claim_statuses}
    names = [one.name for one in pod.spec.resource_claims if one.resource_claim_name or made.get(one.name, "later")]
    extended = pod.status.extended_resource_claim_status
    return names if extended is None else [*names, extended.resource_claim_name]


def render_sandbox(pod: Pod, attempt: int, node: NodeSettings) -> cri.PodSandboxConfig:
    """Return the configuration of the pod's sandbox number `attempt`."""
    meta = pod.metadata
    dns = resolver_config(pod, node.dns)
    return cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(name=meta.name, uid=meta.uid, namespace=meta.namespace, attempt=attempt),
        hostname=kernel_hostname(pod, node.dns.domain),
        log_directory=str(names.log_directory(pod, node.logs)),
        dns_config=cri.DNSConfig(servers=dns.servers, searches=dns.searches, options=dns.options),
        port_mappings=_port_mappings(pod),
        labels=meta.labels | pod_labels(pod),
        annotations=meta.annotations,
        linux=cri.LinuxPodSandboxConfig(
            cgroup_parent=cgroup_parent(meta.uid, qos_class(pod), node.cgroup_driver),
            security_context=sandbox_security(pod),
            sysctls=_sysctls(pod),
        ),
    )


def _port_mappings(pod: Pod) -> list[cri.PortMapping]:
    if pod.spec.host_network:
        return []  # the container's port is the node's already
    return [
        cri.PortMapping(
            protocol=_PROTOCOL[port.protocol],
            container_port=port.container_port or 0,
            host_port=port.host_port,
            host_ip=port.host_ip,
        )
        for container in [*pod.spec.containers, *pod.spec.init_containers]
        for port in container.ports
        if port.host_port
    ]


def _sysctls(pod: Pod) -> dict[str, str]:
    context = pod.spec.security_context
    return {dotted(one.name): one.value for one in context.sysctls} if context else {}
