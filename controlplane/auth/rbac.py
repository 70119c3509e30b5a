"""Role-based access control: which rules a user holds, and whether one of them allows a request.

    User ──► bindings that name the user, a group, or the service account ──► role ──► rules

A ClusterRoleBinding grants its role everywhere; a RoleBinding grants its role, or a ClusterRole, in its own namespace.
The index below is made from the stored objects and made again when one of them changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.api.rbac_v1 import (
    AggregationRule,
    ClusterRole,
    ClusterRoleBinding,
    PolicyRule,
    Role,
    RoleBinding,
    RoleRef,
    Subject,
)
from controlplane.api.reader import ObjectReader
from controlplane.api.selectors import label_selector
from controlplane.auth.interface import AccessRequest, Decision, User
from controlplane.auth.rules import CompiledRule, compile_rule

SubjectKey: TypeAlias = tuple[str, str]
"""("User", name) or ("Group", name); a service account is the user system:serviceaccount:<namespace>:<name>."""

_TYPES = (ClusterRole, ClusterRoleBinding, Role, RoleBinding)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding gives one subject."""

    why: str
    rules: tuple[CompiledRule, ...]
    source: tuple[PolicyRule, ...]
    error: str = ""  # the role does not exist, so the binding gives nothing


@dataclass(frozen=True, slots=True)
class Index:
    """All grants of the cluster, by subject; `namespaced` holds those of RoleBindings, by namespace."""

    cluster: Mapping[SubjectKey, Sequence[Grant]]
    namespaced: Mapping[str, Mapping[SubjectKey, Sequence[Grant]]]

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """Yield what the user holds in a namespace, or with "" cluster-wide."""
        yield from _of_subjects(self.cluster, user)
        if namespace and (in_namespace := self.namespaced.get(namespace)):
            yield from _of_subjects(in_namespace, user)


def _of_subjects(grants: Mapping[SubjectKey, Sequence[Grant]], user: User) -> Iterator[Grant]:
    yield from grants.get(("User", user.name), ())
    for group in user.groups:
        yield from grants.get(("Group", group), ())


class RbacAuthorizer:
    """Allows what a bound role's rule allows."""

    def __init__(self, reader: ObjectReader):
        self._reader = reader
        self._versions: tuple[int, ...] = ()
        self._index = Index({}, {})

    def authorize(self, request: AccessRequest) -> Decision:
        errors = []
        for grant in self.index().grants(request.user, request.namespace):
            if any(rule.allows(request) for rule in grant.rules):
                return Decision(True, f"RBAC: allowed by {grant.why}")
            if grant.error:
                errors.append(grant.error)
        return Decision(False, f"RBAC: {_aggregate(errors)}" if errors else "")

    def rules_for(self, user: User, namespace: str) -> tuple[list[PolicyRule], str]:
        """Return every rule the user holds in `namespace` ("": cluster-wide), and what could not be resolved."""
        grants = list(self.index().grants(user, namespace))
        rules = [rule for grant in grants for rule in grant.source]
        return rules, _aggregate([grant.error for grant in grants if grant.error])

    def role_rules(self, ref: RoleRef, namespace: str) -> list[PolicyRule]:
        """Return the rules of the role a binding names; raises LookupError, in upstream's words, if there is none."""
        if ref.kind == "ClusterRole":
            cluster_role = self._reader.get(ClusterRole, "", ref.name)
            if cluster_role is not None:
                return list(effective_rules(cluster_role, self._reader.list(ClusterRole)))
        elif (role := self._reader.get(Role, namespace, ref.name)) is not None:
            return role.rules
        raise LookupError(_missing(ref))

    def index(self) -> Index:
        versions = tuple(self._reader.version(type_) for type_ in _TYPES)
        if versions != self._versions:
            self._index = build_index(
                self._reader.list(ClusterRole),
                self._reader.list(ClusterRoleBinding),
                self._reader.list(Role),
                self._reader.list(RoleBinding),
            )
            self._versions = versions
        return self._index


def build_index(
    cluster_roles: Sequence[ClusterRole],
    cluster_bindings: Sequence[ClusterRoleBinding],
    roles: Sequence[Role],
    bindings: Sequence[RoleBinding],
) -> Index:
    """Return who holds what. Roles are compiled once, however many bindings name them."""
    rules_of: dict[tuple[str, str, str], tuple[PolicyRule, ...]] = {
        ("ClusterRole", "", role.metadata.name): effective_rules(role, cluster_roles) for role in cluster_roles
    }
    rules_of |= {("Role", role.metadata.namespace, role.metadata.name): tuple(role.rules) for role in roles}
    compiled = {key: tuple(map(compile_rule, rules)) for key, rules in rules_of.items()}

    def grant(binding: ClusterRoleBinding | RoleBinding, subject: Subject, namespace: str) -> Grant:
        ref = binding.role_ref or RoleRef()
        key = (ref.kind, "" if ref.kind == "ClusterRole" else namespace, ref.name)
        why = f"{_describe_binding(binding, ref)} to {_describe_subject(subject, namespace)}"
        if key not in compiled:
            return Grant(why, (), (), error=_missing(ref))
        return Grant(why, compiled[key], rules_of[key])

    cluster: dict[SubjectKey, list[Grant]] = defaultdict(list)
    namespaced: dict[str, dict[SubjectKey, list[Grant]]] = defaultdict(lambda: defaultdict(list))
    for cluster_binding in cluster_bindings:
        for subject in cluster_binding.subjects:
            cluster[subject_key(subject, "")].append(grant(cluster_binding, subject, ""))
    for binding in bindings:
        namespace = binding.metadata.namespace
        for subject in binding.subjects:
            namespaced[namespace][subject_key(subject, namespace)].append(grant(binding, subject, namespace))
    return Index(cluster, namespaced)


def subject_key(subject: Subject, namespace: str) -> SubjectKey:
    """Return the key under which users and groups find this subject's grants."""
    if subject.kind == "ServiceAccount":
        # Without a namespace of its own, the account is in the RoleBinding's.
        return ("User", f"system:serviceaccount:{subject.namespace or namespace}:{subject.name}")
    return (subject.kind, subject.name)


def effective_rules(role: ClusterRole, all_roles: Iterable[ClusterRole]) -> tuple[PolicyRule, ...]:
    """Return the role's rules; for an aggregated role also those of every role its selectors choose.

    Upstream's controller copies the chosen rules into the role; reading them here needs no controller and no delay.
    """
    if role.aggregation_rule is None:
        return tuple(role.rules)
    rules = list(role.rules)
    seen = {id(role)}
    pending = [role]
    while pending:
        aggregation = pending.pop().aggregation_rule or AggregationRule()
        selectors = [label_selector(selector) for selector in aggregation.cluster_role_selectors]
        for other in all_roles:
            if id(other) not in seen and any(selector.matches(other.metadata.labels) for selector in selectors):
                seen.add(id(other))
                rules += [rule for rule in other.rules if rule not in rules]
                if other.aggregation_rule is not None:
                    pending.append(other)
    return tuple(rules)


def _describe_binding(binding: ClusterRoleBinding | RoleBinding, ref: RoleRef) -> str:
    name = binding.metadata.name
    if isinstance(binding, RoleBinding):
        return f'RoleBinding "{name}/{binding.metadata.namespace}" of {ref.kind} "{ref.name}"'
    return f'ClusterRoleBinding "{name}" of {ref.kind} "{ref.name}"'


def _describe_subject(subject: Subject, namespace: str) -> str:
    if subject.kind == "ServiceAccount":
        return f'ServiceAccount "{subject.name}/{subject.namespace or namespace}"'
    return f'{subject.kind} "{subject.name}"'


def _missing(ref: RoleRef) -> str:
    return f'{ref.kind.lower()}.rbac.authorization.k8s.io "{ref.name}" not found'


def _aggregate(errors: Sequence[str]) -> str:
    unique = list(dict.fromkeys(errors))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]" if unique else ""
