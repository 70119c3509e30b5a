"""Bringing the default roles of a running cluster up to date without taking anything away from its owners.

An existing role or binding only ever gains rules and subjects, and one whose annotation
rbac.authorization.kubernetes.io/autoupdate says "false" is left alone.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.rbac_v1 import ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject
from controlplane.auth.policy import AUTOUPDATE
from controlplane.auth.rule_cover import missing_rules

RoleLike = TypeVar("RoleLike", ClusterRole, Role)
BindingLike = TypeVar("BindingLike", ClusterRoleBinding, RoleBinding)


def reconcile_role(existing: RoleLike, expected: RoleLike) -> RoleLike | None:
    """Return the role to write, or None if the stored one is good as it is."""
    if _left_alone(existing.metadata):
        return None
    rules: list[PolicyRule] = existing.rules
    if getattr(expected, "aggregation_rule", None) is None:
        rules = [*rules, *missing_rules(rules, expected.rules)]
    wanted = replace(existing, metadata=_with_marks(existing.metadata, expected.metadata), rules=rules)
    return None if wanted == existing else wanted


def reconcile_binding(existing: BindingLike, expected: BindingLike) -> BindingLike | None:
    """Return the binding to write, or None; one that names another role is left alone, for a roleRef never changes."""
    if _left_alone(existing.metadata) or existing.role_ref != expected.role_ref:
        return None
    added: list[Subject] = [subject for subject in expected.subjects if subject not in existing.subjects]
    metadata = _with_marks(existing.metadata, expected.metadata)
    wanted = replace(existing, metadata=metadata, subjects=[*existing.subjects, *added])
    return None if wanted == existing else wanted


def _left_alone(metadata: ObjectMeta) -> bool:
    return metadata.annotations.get(AUTOUPDATE) == "false"


def _with_marks(existing: ObjectMeta, expected: ObjectMeta) -> ObjectMeta:
    return replace(
        existing,
        labels=expected.labels | existing.labels,
        annotations=expected.annotations | existing.annotations,
    )
