"""Roles and the bindings that give them to somebody."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.rbac_v1 import ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, invalid, not_supported, required
from controlplane.api.validation.selectors import validate_selector

_GROUP = "rbac.authorization.k8s.io"
_KINDS = ("ServiceAccount", "User", "Group")


def validate_role(role: Role) -> list[FieldError]:
    return [error for index, rule in enumerate(role.rules) for error in _validate_rule(rule, f"rules[{index}]", True)]


def validate_cluster_role(role: ClusterRole) -> list[FieldError]:
    errors = [
        error for index, rule in enumerate(role.rules) for error in _validate_rule(rule, f"rules[{index}]", False)
    ]
    if role.aggregation_rule is not None:
        path = "aggregationRule.clusterRoleSelectors"
        if not role.aggregation_rule.cluster_role_selectors:
            errors.append(required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil"))
        for index, selector in enumerate(role.aggregation_rule.cluster_role_selectors):
            errors += validate_selector(selector, f"{path}[{index}]")
    return errors


def _validate_rule(rule: PolicyRule, path: str, namespaced: bool) -> Iterator[FieldError]:
    if not rule.verbs:
        yield required(f"{path}.verbs", "verbs must contain at least one value")
    if rule.non_resource_urls:
        urls = f"{path}.nonResourceURLs"
        if namespaced:
            yield invalid(urls, rule.non_resource_urls, "namespaced rules cannot apply to non-resource URLs")
        if rule.api_groups or rule.resources or rule.resource_names:
            why = "rules cannot apply to both regular resources and non-resource URLs"
            yield invalid(urls, rule.non_resource_urls, why)
        return
    if not rule.api_groups:
        yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.resources:
        yield required(f"{path}.resources", "resource rules must supply at least one resource")


def validate_role_binding(binding: RoleBinding) -> list[FieldError]:
    return list(_validate_binding(binding, ("Role", "ClusterRole")))


def validate_cluster_role_binding(binding: ClusterRoleBinding) -> list[FieldError]:
    return list(_validate_binding(binding, ("ClusterRole",)))


def _validate_binding(binding: RoleBinding | ClusterRoleBinding, kinds: tuple[str, ...]) -> Iterator[FieldError]:
    role = binding.role_ref
    group, kind, name = (role.api_group, role.kind, role.name) if role else ("", "", "")
    if group != _GROUP:
        yield not_supported("roleRef.apiGroup", group, (_GROUP,))
    if kind not in kinds:
        yield not_supported("roleRef.kind", kind, kinds)
    if not name:
        yield required("roleRef.name")
    else:
        yield from checked("roleRef.name", name, names.path_segment(name))
    namespaced = isinstance(binding, RoleBinding)
    for index, subject in enumerate(binding.subjects):
        yield from _validate_subject(subject, f"subjects[{index}]", namespaced)


def _validate_subject(subject: Subject, path: str, namespaced: bool) -> Iterator[FieldError]:
    if not subject.name:
        yield required(f"{path}.name")
    if subject.kind == "ServiceAccount":
        if subject.name:
            yield from checked(f"{path}.name", subject.name, names.dns1123_subdomain(subject.name))
        if subject.api_group:
            yield not_supported(f"{path}.apiGroup", subject.api_group, ("",))
        if not namespaced and not subject.namespace:
            yield required(f"{path}.namespace")
    elif subject.kind in ("User", "Group"):
        if subject.api_group != _GROUP:
            yield not_supported(f"{path}.apiGroup", subject.api_group, (_GROUP,))
    else:
        yield not_supported(f"{path}.kind", subject.kind, _KINDS)


def validate_binding_update(
    new: RoleBinding | ClusterRoleBinding, old: RoleBinding | ClusterRoleBinding
) -> list[FieldError]:
    """Who may bind was asked of this very role."""
    return [] if new.role_ref == old.role_ref else [invalid("roleRef", new.role_ref, "cannot change roleRef")]
