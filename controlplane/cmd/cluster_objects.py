"""The objects that `controlplane init` puts into a new cluster, as values."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

from controlplane.api.core_v1 import ConfigMap, Secret, Service, ServicePort, ServiceSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.pki import kubeconfig
from controlplane.pki.plan import first_address
from controlplane.pki.tokens import DEFAULT_GROUPS, SECRET_TYPE, USAGES, BootstrapToken, secret_data

KUBE_SYSTEM, KUBE_PUBLIC = "kube-system", "kube-public"
DNS_OFFSET = 10  # kubeadm's choice: 10.96.0.10 of 10.96.0.0/12


def token_secret(
    token: BootstrapToken,
    *,
    expires: datetime | None,
    description: str = "",
    groups: tuple[str, ...] = DEFAULT_GROUPS,
    usages: tuple[str, ...] = USAGES,
) -> Secret:
    """Return the Secret that makes a bootstrap token valid until it expires."""
    data = secret_data(token, expires=expires, description=description, groups=groups, usages=usages)
    return Secret(
        metadata=ObjectMeta(name=token.secret_name, namespace=KUBE_SYSTEM),
        type=SECRET_TYPE,
        data={key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    )


def cluster_info(server: str, ca: bytes) -> ConfigMap:
    """Return what a machine that joins reads before it knows anybody: where the cluster is, and its CA."""
    return ConfigMap(
        metadata=ObjectMeta(name="cluster-info", namespace=KUBE_PUBLIC),
        data={"kubeconfig": kubeconfig.render_cluster_info(server, ca)},
    )


def dns_service(service_cidrs: tuple[str, ...]) -> Service:
    """Return the Service of cluster DNS: an address and three ports, but no pods.

    It has no selector, and the node agents answer its address themselves, each on its own node.
    """
    addresses = [str(first_address(cidr, DNS_OFFSET)) for cidr in service_cidrs]
    labels: Mapping[str, str] = {
        "k8s-app": "kube-dns",
        "kubernetes.io/cluster-service": "true",
        "kubernetes.io/name": "CoreDNS",
    }
    return Service(
        metadata=ObjectMeta(
            name="kube-dns",
            namespace=KUBE_SYSTEM,
            labels=dict(labels),
            annotations={"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
        ),
        spec=ServiceSpec(
            type="ClusterIP",
            cluster_ip=addresses[0],
            cluster_ips=addresses,
            ip_family_policy="SingleStack" if len(addresses) == 1 else "PreferDualStack",
            ports=[
                ServicePort(name="dns", port=53, protocol="UDP", target_port=53),
                ServicePort(name="dns-tcp", port=53, protocol="TCP", target_port=53),
                ServicePort(name="metrics", port=9153, protocol="TCP", target_port=9153),
            ],
        ),
    )
