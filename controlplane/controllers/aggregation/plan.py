"""The sum of roles."""

from __future__ import annotations

from collections.abc import Iterable

from controlplane.api.rbac_v1 import ClusterRole, PolicyRule
from controlplane.api.selectors import label_selector


def aggregated_rules(role: ClusterRole, roles: Iterable[ClusterRole]) -> list[PolicyRule]:
    """Return the rules of every other role that one of the selectors picks, by name, each rule once."""
    selectors = [label_selector(one) for one in role.aggregation_rule.cluster_role_selectors] if (
        role.aggregation_rule
    ) else []  # fmt: skip
    rules: list[PolicyRule] = []
    for selector in selectors:
        for other in sorted(roles, key=lambda one: one.metadata.name):
            if other.metadata.name != role.metadata.name and selector.matches(other.metadata.labels):
                rules += [rule for rule in other.rules if rule not in rules]
    return rules
