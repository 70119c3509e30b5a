"""Which controllers `--controllers` means: upstream's names, old and new, and upstream's rules.

*                     all that are on by default
*,tokencleaner        these, and tokencleaner
*,-nodelifecycle      these, without nodelifecycle
deployment,replicaset only these two
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# Name today: name until 1.27, which stays valid.
ALIASES: Mapping[str, str] = {
    "bootstrap-signer-controller": "bootstrapsigner",
    "certificatesigningrequest-approving-controller": "csrapproving",
    "certificatesigningrequest-cleaner-controller": "csrcleaner",
    "certificatesigningrequest-signing-controller": "csrsigning",
    "clusterrole-aggregation-controller": "clusterrole-aggregation",
    "deployment-controller": "deployment",
    "disruption-controller": "disruption",
    "endpoints-controller": "endpoint",
    "endpointslice-controller": "endpointslice",
    "garbage-collector-controller": "garbagecollector",
    "namespace-controller": "namespace",
    "node-ipam-controller": "nodeipam",
    "node-lifecycle-controller": "nodelifecycle",
    "persistentvolume-protection-controller": "pv-protection",
    "persistentvolumeclaim-protection-controller": "pvc-protection",
    "pod-garbage-collector-controller": "podgc",
    "replicaset-controller": "replicaset",
    "replicationcontroller-controller": "replicationcontroller",
    "resourcequota-controller": "resourcequota",
    "root-ca-certificate-publisher-controller": "root-ca-cert-publisher",
    "serviceaccount-controller": "serviceaccount",
    "serviceaccount-token-controller": "serviceaccount-token",
    "taint-eviction-controller": "taint-eviction",
    "token-cleaner-controller": "tokencleaner",
    "validatingadmissionpolicy-status-controller": "validatingadmissionpolicy-status-controller",  # never had another
}
OFF_BY_DEFAULT = frozenset({"bootstrap-signer-controller", "token-cleaner-controller"})

# Upstream's that are not here: units may name them all the same.
_NOT_HERE = """
cloud-node-lifecycle cloud-node-lifecycle-controller cronjob cronjob-controller daemonset daemonset-controller
device-taint-eviction-controller endpointslicemirroring
endpointslice-mirroring-controller ephemeral-volume ephemeral-volume-controller horizontalpodautoscaling
horizontal-pod-autoscaler-controller job job-controller kube-apiserver-serving-clustertrustbundle-publisher-controller
legacy-service-account-token-cleaner legacy-serviceaccount-token-cleaner-controller node-route-controller
persistentvolume-attach-detach-controller attachdetach persistentvolume-binder persistentvolume-binder-controller
persistentvolume-expander persistentvolume-expander-controller podcertificaterequest-cleaner-controller
resource-claim-controller route selinux-warning-controller service
service-cidr-controller service-lb-controller statefulset
statefulset-controller storage-version-migrator-controller storageversion-garbage-collector-controller ttl
ttl-after-finished ttl-after-finished-controller ttl-controller
volumeattributesclass-protection-controller
"""
NOT_HERE = frozenset(_NOT_HERE.split())


class UnknownController(ValueError):
    """A name that is no controller's."""


def select(wanted: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return those of `known` that run. Raises UnknownController."""
    names = {old: new for new, old in ALIASES.items()}
    asked: dict[str, bool] = {}
    for entry in wanted:
        name = entry.removeprefix("-")
        if name != "*" and name not in NOT_HERE:
            if name not in ALIASES and name not in names:
                raise UnknownController(f'"{name}" is not in the list of known controllers')
            asked.setdefault(names.get(name, name), not entry.startswith("-"))  # the first mention counts
    everything = "*" in wanted
    return [name for name in known if asked.get(name, everything and name not in OFF_BY_DEFAULT)]


def missing(wanted: Iterable[str]) -> list[str]:
    """Return the controllers that are asked for by name and are not here."""
    return [name for name in wanted if name in NOT_HERE]
