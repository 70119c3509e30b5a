"""Which nodes a pod's nodeSelector and node affinity mean."""

from __future__ import annotations

from functools import lru_cache

from controlplane.api.core_v1 import Node, NodeSelectorRequirement, NodeSelectorTerm, Pod
from controlplane.api.selectors import Requirement

_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": "gt", "Lt": "lt"}


def selects_node(pod: Pod, node: Node) -> bool:
    """Return whether nodeSelector and required node affinity both allow the node."""
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in pod.spec.node_selector.items()):
        return False
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    return required is None or any(term_matches(term, node) for term in required.node_selector_terms)


def term_matches(term: NodeSelectorTerm, node: Node) -> bool:
    """Return whether every requirement of the term holds; an empty term selects no node."""
    if not term.match_expressions and not term.match_fields:
        return False
    fields = {"metadata.name": node.metadata.name}
    return all(_requirement(one).matches(node.metadata.labels) for one in term.match_expressions) and all(
        _requirement(one).matches(fields) for one in term.match_fields
    )


def _requirement(one: NodeSelectorRequirement) -> Requirement:
    return _compiled(one.key, one.operator, tuple(one.values))


@lru_cache(maxsize=1024)
def _compiled(key: str, operator: str, values: tuple[str, ...]) -> Requirement:
    return Requirement(key, _OPERATORS[operator], values)
