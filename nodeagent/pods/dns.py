"""What a pod's /etc/resolv.conf says, by its DNS policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controlplane.api.core_v1 import Pod

_MAX_SERVERS = 3  # glibc reads no more
_MAX_SEARCHES, _MAX_SEARCH_CHARACTERS = 32, 2048


@dataclass(frozen=True, slots=True)
class ResolverConfig:
    """The lines of a resolv.conf."""

    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterDns:
    """How names are resolved in this cluster, and on this node outside of it."""

    servers: tuple[str, ...] = ("10.96.0.10",)
    domain: str = "cluster.local"
    node: ResolverConfig = ResolverConfig()


def parse_resolv_conf(text: str) -> ResolverConfig:
    """Return what a resolv.conf says: resolv.conf(5); the last search line counts."""
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0][0] in "#;":
            continue
        match words[0]:
            case "nameserver":
                servers += words[1:2]
            case "search" | "domain":
                searches = [word for word in words[1:] if word != "."]
            case "options":
                options += words[1:]
    return ResolverConfig(tuple(servers), tuple(searches), tuple(options))


def resolver_config(pod: Pod, cluster: ClusterDns) -> ResolverConfig:
    """Return the resolver configuration of a pod."""
    base = _by_policy(pod, cluster)
    own = pod.spec.dns_config
    if own is not None:
        options = _merge_options(base.options, [f"{o.name}:{o.value}" if o.value else o.name for o in own.options])
        base = ResolverConfig(
            _distinct([*base.servers, *own.nameservers]), _distinct([*base.searches, *own.searches]), options
        )
    return ResolverConfig(base.servers[:_MAX_SERVERS], _fitting(base.searches), base.options)


def _by_policy(pod: Pod, cluster: ClusterDns) -> ResolverConfig:
    policy = pod.spec.dns_policy or "ClusterFirst"
    if policy == "None":
        return ResolverConfig()
    # A pod on the node's network resolves as the node does, unless it says that it wants the cluster's names.
    if policy == "Default" or (policy == "ClusterFirst" and pod.spec.host_network) or not cluster.servers:
        return cluster.node
    domain = cluster.domain
    searches = [f"{pod.metadata.namespace}.svc.{domain}", f"svc.{domain}", domain, *cluster.node.searches]
    return ResolverConfig(cluster.servers, _distinct(searches), ("ndots:5",))


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _merge_options(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    """Return both lists of options; of two with one name the later one counts."""
    return tuple({option.partition(":")[0]: option for option in [*first, *second]}.values())


def _fitting(searches: tuple[str, ...]) -> tuple[str, ...]:
    kept: list[str] = []
    for search in searches[:_MAX_SEARCHES]:
        if len(" ".join([*kept, search])) > _MAX_SEARCH_CHARACTERS:
            break
        kept.append(search)
    return tuple(kept)
