"""Which certificates a control plane has, and what each says."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from controlplane.pki.issue import Leaf

CA, FRONT_PROXY_CA, ETCD_CA = "ca", "front-proxy-ca", "etcd/ca"
AUTHORITIES: Mapping[str, str] = {CA: "kubernetes", FRONT_PROXY_CA: "front-proxy-ca", ETCD_CA: "etcd-ca"}
"""File name and common name."""

ADMINS = "kubeadm:cluster-admins"  # a group that RBAC gives everything, so that RBAC can also take it away
MASTERS = "system:masters"  # a group that no rule can lock out

_SERVES_AND_CALLS = ("digital signature", "server auth")
_CALLS = ("digital signature", "client auth")
_SERVES_AND_CALLS_PEERS = ("digital signature", "server auth", "client auth")  # etcd's gateway calls its own port


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a control plane is reached: what its certificates and kubeconfigs are made of."""

    node_name: str
    advertise_address: str
    bind_port: int = 6443
    service_cidrs: tuple[str, ...] = ("10.96.0.0/12",)
    dns_domain: str = "cluster.local"
    control_plane_endpoint: str = ""  # host or host:port that clients use instead, such as a load balancer's
    extra_sans: tuple[str, ...] = ()

    @property
    def server(self) -> str:
        """The URL that kubeconfigs name."""
        host, port = self._public
        return f"https://{_bracketed(host)}:{port}"

    @property
    def local_server(self) -> str:
        """The URL that the programs beside the API server use: it outlives a change of the endpoint."""
        return f"https://{_bracketed(self.advertise_address)}:{self.bind_port}"

    @property
    def _public(self) -> tuple[str, int]:
        return split_host_port(self.control_plane_endpoint or self.advertise_address, self.bind_port)

    @property
    def public_host(self) -> str:
        return self._public[0]


@dataclass(frozen=True, slots=True)
class Planned:
    """A certificate to be: who signs it and what it says."""

    leaf: Leaf
    authority: str = CA


@dataclass(frozen=True, slots=True)
class PlannedKubeconfig:
    """A kubeconfig to be."""

    user: str
    leaf: Leaf
    local: bool = field(default=False)  # used on this machine only


def certificates(endpoint: Endpoint) -> Mapping[str, Planned]:
    """Return the certificates kept as files, by file name."""
    names = apiserver_names(endpoint)
    dns_names = tuple(name for name in names if not _is_address(name))
    addresses = tuple(name for name in names if _is_address(name))
    local = ("localhost", endpoint.node_name)
    local_addresses = tuple(dict.fromkeys(("127.0.0.1", endpoint.advertise_address)))
    member_addresses = tuple(dict.fromkeys((*local_addresses, "::1")))
    member = Leaf(endpoint.node_name, (), local, member_addresses, _SERVES_AND_CALLS_PEERS)
    return {
        "apiserver": Planned(Leaf("kube-apiserver", (), dns_names, addresses, _SERVES_AND_CALLS)),
        "apiserver-kubelet-client": Planned(Leaf("kube-apiserver-kubelet-client", (ADMINS,), usages=_CALLS)),
        "controller-manager": Planned(Leaf("kube-controller-manager", (), local, local_addresses, _SERVES_AND_CALLS)),
        "scheduler": Planned(Leaf("kube-scheduler", (), local, local_addresses, _SERVES_AND_CALLS)),
        "front-proxy-client": Planned(Leaf("front-proxy-client", usages=_CALLS), FRONT_PROXY_CA),
        # Who has one of these may read and write everything.
        "etcd/server": Planned(member, ETCD_CA),
        "etcd/peer": Planned(member, ETCD_CA),
        "etcd/healthcheck-client": Planned(Leaf("kube-etcd-healthcheck-client", usages=_CALLS), ETCD_CA),
        "apiserver-etcd-client": Planned(Leaf("kube-apiserver-etcd-client", usages=_CALLS), ETCD_CA),
    }


def authority_of(name: str) -> str:
    """Return who signs a certificate, by its file name."""
    if name.startswith("front-proxy"):
        return FRONT_PROXY_CA
    return ETCD_CA if "etcd" in name else CA


def kubeconfigs() -> Mapping[str, PlannedKubeconfig]:
    """Return the kubeconfigs, by file name."""
    return {
        "admin.conf": PlannedKubeconfig("kubernetes-admin", Leaf("kubernetes-admin", (ADMINS,), usages=_CALLS)),
        "super-admin.conf": PlannedKubeconfig(
            "kubernetes-super-admin", Leaf("kubernetes-super-admin", (MASTERS,), usages=_CALLS)
        ),
        "controller-manager.conf": _component("system:kube-controller-manager"),
        "scheduler.conf": _component("system:kube-scheduler"),
    }


def _component(user: str) -> PlannedKubeconfig:
    return PlannedKubeconfig(user, Leaf(user, usages=_CALLS), local=True)


def apiserver_names(endpoint: Endpoint) -> tuple[str, ...]:
    """Return every name and address by which somebody reaches the API server."""
    services = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{endpoint.dns_domain}",
    )
    return tuple(
        dict.fromkeys(
            (
                endpoint.node_name,
                *services,
                "localhost",
                *(str(first_address(cidr)) for cidr in endpoint.service_cidrs),
                endpoint.advertise_address,
                "127.0.0.1",
                endpoint.public_host,
                *endpoint.extra_sans,
            )
        )
    )


def first_address(cidr: str, offset: int = 1) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address of a range: the first is that of the Service `kubernetes`, the tenth DNS."""
    return ipaddress.ip_network(cidr)[offset]


def split_host_port(text: str, default: int) -> tuple[str, int]:
    """Return host and port of `host`, `host:port`, `[v6]:port` or a bare IPv6 address. Raises ValueError."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not (rest == "" or rest.startswith(":")):
            raise ValueError(f'"{text}" is not host:port')
        return host, _port(rest[1:], text) if rest else default
    if text.count(":") == 1:
        host, port = text.split(":")
        return host, _port(port, text)
    return text, default


def _port(port: str, text: str) -> int:
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f'"{text}" does not end in a port')
    return int(port)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
