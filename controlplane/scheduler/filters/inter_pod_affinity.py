"""Required pod affinity and anti-affinity: near to some pods, away from others, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from controlplane.scheduler.affinity_terms import Term
from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME = "InterPodAffinity"

_EXISTING = Rejection(("node(s) didn't satisfy existing pods anti-affinity rules",))
_ANTI = Rejection(("node(s) didn't match pod anti-affinity rules",))
_AFFINITY = Rejection(("node(s) didn't match pod affinity rules",), final=True)

Domain: TypeAlias = tuple[str, str]
"""A topology key and its value: the nodes that have this label are one place."""


def prepare(pod: PodInfo, snapshot: Snapshot) -> Test | None:
    terms = pod.affinity
    if not snapshot.has_affinity and not terms.required and not terms.required_anti:
        return None
    shunned = frozenset(_where_existing_pods_refuse(pod, snapshot))
    avoided = frozenset(_where_pods_match(terms.required_anti, snapshot))
    near = frozenset(_where_pods_match_all(terms.required, snapshot))
    # The first of a group that wants to be together has nobody to join: it may go anywhere.
    alone = not near and all(term.matches(pod.pod, snapshot.namespace_labels) for term in terms.required)

    def test(node: NodeInfo) -> Rejection | None:
        if terms.required and not _is_near(node, terms.required, near, alone):
            return _AFFINITY
        if avoided and any(_domain(term, node) in avoided for term in terms.required_anti):
            return _ANTI
        if shunned and any(item in shunned for item in node.labels.items()):
            return _EXISTING
        return None

    return test


def _is_near(node: NodeInfo, terms: Iterable[Term], near: frozenset[Domain], alone: bool) -> bool:
    domains = [_domain(term, node) for term in terms]
    return all(domain is not None and (alone or domain in near) for domain in domains)


def _where_existing_pods_refuse(pod: PodInfo, snapshot: Snapshot) -> Iterator[Domain]:
    if not snapshot.has_affinity:
        return
    for node in snapshot.nodes:
        for other in node.pods.values():
            for term in other.affinity.required_anti:
                domain = _domain(term, node)
                if domain and term.matches(pod.pod, snapshot.namespace_labels):
                    yield domain


def _where_pods_match(terms: Iterable[Term], snapshot: Snapshot) -> Iterator[Domain]:
    for term in terms:
        for node in snapshot.nodes:
            domain = _domain(term, node)
            if domain and any(term.matches(other.pod, snapshot.namespace_labels) for other in node.pods.values()):
                yield domain


def _where_pods_match_all(terms: tuple[Term, ...], snapshot: Snapshot) -> Iterator[Domain]:
    for node in snapshot.nodes if terms else ():
        for other in node.pods.values():
            if all(term.matches(other.pod, snapshot.namespace_labels) for term in terms):
                yield from (domain for term in terms if (domain := _domain(term, node)))


def _domain(term: Term, node: NodeInfo) -> Domain | None:
    value = node.labels.get(term.topology_key)
    return (term.topology_key, value) if value is not None else None
