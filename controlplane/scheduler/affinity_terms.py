"""Pod (anti-)affinity terms, compiled once per pod: which other pods are meant, and how near is near."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from controlplane.api.core_v1 import Pod, PodAffinityTerm, WeightedPodAffinityTerm
from controlplane.api.selectors import NOTHING, Selector, label_selector

NamespaceLabels = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Term:
    """Pods of these namespaces that `selector` selects, on nodes with the same value of `topology_key`."""

    selector: Selector
    namespaces: frozenset[str]
    namespace_selector: Selector
    topology_key: str
    weight: int = 0

    def matches(self, pod: Pod, namespace_labels: NamespaceLabels) -> bool:
        namespace = pod.metadata.namespace
        if namespace not in self.namespaces and not self.namespace_selector.matches(namespace_labels(namespace)):
            return False
        return self.selector.matches(pod.metadata.labels)


@dataclass(frozen=True, slots=True)
class AffinityTerms:
    """All terms of a pod: `required` keep it off nodes, `preferred` only weigh."""

    required: tuple[Term, ...] = ()
    required_anti: tuple[Term, ...] = ()
    preferred: tuple[Term, ...] = ()
    preferred_anti: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.required or self.required_anti or self.preferred or self.preferred_anti)


_NONE = AffinityTerms()


def terms_of(pod: Pod) -> AffinityTerms:
    """Return a pod's compiled terms."""
    affinity = pod.spec.affinity
    if affinity is None or (affinity.pod_affinity is None and affinity.pod_anti_affinity is None):
        return _NONE
    to, away = affinity.pod_affinity, affinity.pod_anti_affinity
    return AffinityTerms(
        required=_terms(pod, to.required_during_scheduling_ignored_during_execution) if to else (),
        required_anti=_terms(pod, away.required_during_scheduling_ignored_during_execution) if away else (),
        preferred=_weighted(pod, to.preferred_during_scheduling_ignored_during_execution) if to else (),
        preferred_anti=_weighted(pod, away.preferred_during_scheduling_ignored_during_execution) if away else (),
    )


def _terms(pod: Pod, terms: Iterable[PodAffinityTerm]) -> tuple[Term, ...]:
    return tuple(_term(pod, term, 0) for term in terms)


def _weighted(pod: Pod, terms: Iterable[WeightedPodAffinityTerm]) -> tuple[Term, ...]:
    return tuple(_term(pod, term.pod_affinity_term or PodAffinityTerm(), term.weight or 0) for term in terms)


def _term(pod: Pod, term: PodAffinityTerm, weight: int) -> Term:
    # Neither namespaces nor a selector of namespaces: the pod's own.
    own = not term.namespaces and term.namespace_selector is None
    return Term(
        selector=label_selector(term.label_selector),
        namespaces=frozenset([pod.metadata.namespace] if own else term.namespaces),
        namespace_selector=NOTHING if term.namespace_selector is None else label_selector(term.namespace_selector),
        topology_key=term.topology_key,
        weight=weight,
    )
