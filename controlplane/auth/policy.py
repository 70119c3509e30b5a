"""How the default roles are written down: one line a rule, words separated by spaces.

    role("system:node-problem-detector", rule("get", "nodes"), rule("patch", "nodes/status"), EVENTS)
    bind("system:node-proxier", users="system:kube-proxy")

Every object carries upstream's label and annotation, which say that the server made it and may add to it later.
"""

from __future__ import annotations

from controlplane.api.meta_v1 import LabelSelector, ObjectMeta
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

RBAC_GROUP = "rbac.authorization.k8s.io"
LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
AGGREGATE_TO = f"{RBAC_GROUP}/aggregate-to-"

READ = "get list watch"
WRITE = "create delete deletecollection patch update"
READ_WRITE = "create delete deletecollection get list patch update watch"


def rule(verbs: str, resources: str, *, groups: str = "", names: str = "") -> PolicyRule:
    """Return a rule about resources; without `groups` they are the core group's, and "core" names it among others."""
    api_groups = ["" if group == "core" else group for group in groups.split()] or [""]
    return PolicyRule(
        api_groups=api_groups, resources=resources.split(), verbs=verbs.split(), resource_names=names.split()
    )


def paths(verbs: str, urls: str) -> PolicyRule:
    """Return a rule about paths that are no resources."""
    return PolicyRule(non_resource_urls=urls.split(), verbs=verbs.split())


EVENTS = rule("create patch update", "events", groups="core events.k8s.io")


def _metadata(name: str, namespace: str = "", aggregate_to: str = "") -> ObjectMeta:
    labels = LABELS | {AGGREGATE_TO + one: "true" for one in aggregate_to.split()}
    return ObjectMeta(name=name, namespace=namespace, labels=labels, annotations={AUTOUPDATE: "true"})


def role(name: str, *rules: PolicyRule, aggregate_to: str = "") -> ClusterRole:
    return ClusterRole(metadata=_metadata(name, aggregate_to=aggregate_to), rules=list(rules))


def aggregated(name: str, *parts: ClusterRole, aggregate_to: str = "") -> ClusterRole:
    """Return a role made of every role labelled for it; `parts` are those of them that exist from the start."""
    selector = LabelSelector(match_labels={f"{AGGREGATE_TO}{name}": "true"})
    rules = [rule for part in parts for rule in part.rules]
    return ClusterRole(
        metadata=_metadata(name, aggregate_to=aggregate_to),
        aggregation_rule=AggregationRule(cluster_role_selectors=[selector]),
        rules=[rule for position, rule in enumerate(rules) if rule not in rules[:position]],
    )


def namespaced_role(namespace: str, name: str, *rules: PolicyRule) -> Role:
    return Role(metadata=_metadata(name, namespace), rules=list(rules))


def subjects(users: str = "", groups: str = "", accounts: str = "") -> list[Subject]:
    """Return subjects; an account is written namespace/name."""
    return [
        *(Subject(kind="Group", api_group=RBAC_GROUP, name=name) for name in groups.split()),
        *(Subject(kind="User", api_group=RBAC_GROUP, name=name) for name in users.split()),
        *(_account(text) for text in accounts.split()),
    ]


def _account(text: str) -> Subject:
    namespace, _, name = text.partition("/")
    return Subject(kind="ServiceAccount", namespace=namespace, name=name)


def bind(
    role_name: str, *, users: str = "", groups: str = "", accounts: str = "", name: str = ""
) -> ClusterRoleBinding:
    """Return the binding of a ClusterRole, named after it unless `name` says otherwise."""
    return ClusterRoleBinding(
        metadata=_metadata(name or role_name),
        role_ref=RoleRef(api_group=RBAC_GROUP, kind="ClusterRole", name=role_name),
        subjects=subjects(users, groups, accounts),
    )


def bind_in(
    namespace: str, role_name: str, *, users: str = "", groups: str = "", accounts: str = "", name: str = ""
) -> RoleBinding:
    """Return the binding of a Role in its namespace."""
    return RoleBinding(
        metadata=_metadata(name or role_name, namespace),
        role_ref=RoleRef(api_group=RBAC_GROUP, kind="Role", name=role_name),
        subjects=subjects(users, groups, accounts),
    )
