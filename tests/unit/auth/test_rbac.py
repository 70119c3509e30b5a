"""RBAC: what one rule allows, who holds which rules, and nobody granting more than they have."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from controlplane.api.meta_v1 import LabelSelector, ObjectMeta
from controlplane.api.rbac_v1 import AggregationRule, ClusterRole, PolicyRule, Role, RoleBinding, RoleRef
from controlplane.api.status import Forbidden, NotFound
from controlplane.auth.authorizers import MastersAuthorizer, UnionAuthorizer, refusal
from controlplane.auth.bootstrap_policy import default_policy
from controlplane.auth.escalation import EscalationCheck, describe_rule
from controlplane.auth.interface import AccessRequest, User
from controlplane.auth.policy import AUTOUPDATE, bind, bind_in, namespaced_role, paths, role, rule
from controlplane.auth.policy_reconcile import reconcile_binding, reconcile_role
from controlplane.auth.rbac import RbacAuthorizer
from controlplane.auth.rule_cover import missing_rules
from controlplane.auth.rules import compile_rule
from tests.fakes.reader import FakeReader

T = TypeVar("T", ClusterRole, Role, RoleBinding)
JANE = User("jane", groups=("dev", "system:authenticated"))


def ask(verb: str, resource: str, *, name: str = "", group: str = "", namespace: str = "") -> AccessRequest:
    plural, _, subresource = resource.partition("/")
    return AccessRequest(JANE, verb, group, "v1", plural, subresource, namespace, name)


def ask_path(verb: str, path: str) -> AccessRequest:
    return AccessRequest(JANE, verb, path=path)


@pytest.mark.parametrize(
    ("held", "request_", "allowed"),
    [
        pytest.param(rule("get", "pods"), ask("get", "pods"), True, id="exact"),
        pytest.param(rule("get", "pods"), ask("list", "pods"), False, id="another verb"),
        pytest.param(
            rule("get", "pods"), ask("get", "pods/log"), False, id="a resource does not cover its subresources"
        ),
        pytest.param(rule("get", "pods/log"), ask("get", "pods/log"), True, id="a subresource by name"),
        pytest.param(
            rule("get", "pods/log"), ask("get", "pods"), False, id="a subresource does not cover its resource"
        ),
        pytest.param(rule("get", "*"), ask("get", "pods/log"), True, id="any resource and subresource"),
        pytest.param(rule("get", "*/scale"), ask("get", "deployments/scale"), True, id="a subresource of anything"),
        pytest.param(rule("get", "*/scale"), ask("get", "deployments/status"), False, id="but not another"),
        pytest.param(rule("get", "pods/*"), ask("get", "pods/log"), False, id="pods/* is no wildcard"),
        pytest.param(rule("*", "pods"), ask("delete", "pods"), True, id="any verb"),
        pytest.param(rule("get", "deployments", groups="apps"), ask("get", "deployments"), False, id="another group"),
        pytest.param(rule("get", "pods", groups="*"), ask("get", "pods", group="apps"), True, id="any group"),
        pytest.param(rule("get", "pods", names="a"), ask("get", "pods", name="a"), True, id="a named object"),
        pytest.param(rule("get", "pods", names="a"), ask("get", "pods", name="b"), False, id="another object"),
        pytest.param(rule("list", "pods", names="a"), ask("list", "pods"), False, id="names do not cover a list"),
        pytest.param(paths("get", "/healthz"), ask_path("get", "/healthz"), True, id="a path"),
        pytest.param(paths("get", "/healthz"), ask_path("get", "/healthz/etcd"), False, id="a path below it"),
        pytest.param(paths("get", "/healthz/*"), ask_path("get", "/healthz/etcd"), True, id="a path prefix"),
        pytest.param(paths("get", "/healthz/*"), ask_path("get", "/healthz"), False, id="what is above the prefix"),
        pytest.param(paths("*", "*"), ask_path("post", "/x"), True, id="any path"),
        pytest.param(paths("*", "*"), ask("get", "pods"), False, id="paths are no resources"),
        pytest.param(rule("*", "*", groups="*"), ask_path("get", "/metrics"), False, id="resources are no paths"),
    ],
)
def test_one_rule(held: PolicyRule, request_: AccessRequest, allowed: bool) -> None:
    assert compile_rule(held).allows(request_) is allowed


SECRETS = rule("get", "secrets")


@pytest.mark.parametrize(
    ("binding", "namespace", "user", "allowed"),
    [
        pytest.param(bind("reader", users="jane"), "", JANE, True, id="a user, cluster-wide"),
        pytest.param(bind("reader", users="jane"), "prod", JANE, True, id="a cluster binding holds in namespaces"),
        pytest.param(bind("reader", groups="dev"), "", JANE, True, id="a group"),
        pytest.param(bind("reader", groups="ops"), "", JANE, False, id="another group"),
        pytest.param(bind("reader", users="dev"), "", JANE, False, id="a user named like a group"),
        pytest.param(bind_in("prod", "local", users="jane"), "prod", JANE, True, id="a role in its namespace"),
        pytest.param(bind_in("prod", "local", users="jane"), "test", JANE, False, id="and not in another"),
        pytest.param(bind_in("prod", "local", users="jane"), "", JANE, False, id="and not cluster-wide"),
        pytest.param(
            bind("reader", accounts="prod/web"),
            "prod",
            User("system:serviceaccount:prod:web"),
            True,
            id="a service account",
        ),
        pytest.param(
            bind_in("prod", "local", accounts="/web"),
            "prod",
            User("system:serviceaccount:prod:web"),
            True,
            id="a service account of the binding's namespace",
        ),
        pytest.param(
            bind("reader", accounts="prod/web"),
            "prod",
            User("system:serviceaccount:test:web"),
            False,
            id="its namesake elsewhere",
        ),
    ],
)
def test_who_is_bound(binding: RoleBinding, namespace: str, user: User, allowed: bool) -> None:
    reader = FakeReader(role("reader", SECRETS), namespaced_role("prod", "local", SECRETS), binding)
    request = replace(ask("get", "secrets", namespace=namespace, name="s"), user=user)
    assert RbacAuthorizer(reader).authorize(request).allowed is allowed


def test_a_role_binding_lends_a_cluster_role_to_its_namespace() -> None:
    binding = RoleBinding(
        metadata=ObjectMeta(name="b", namespace="prod"),
        role_ref=RoleRef(kind="ClusterRole", name="reader"),
        subjects=bind("x", users="jane").subjects,
    )
    rbac = RbacAuthorizer(FakeReader(role("reader", SECRETS), binding))
    decision = rbac.authorize(ask("get", "secrets", namespace="prod"))
    assert decision.allowed
    assert decision.reason == 'RBAC: allowed by RoleBinding "b/prod" of ClusterRole "reader" to User "jane"'
    assert not rbac.authorize(ask("get", "secrets", namespace="test")).allowed


def test_a_missing_role_gives_nothing_and_says_so() -> None:
    decision = RbacAuthorizer(FakeReader(bind("gone", users="jane"))).authorize(ask("get", "pods"))
    assert (decision.allowed, decision.reason) == (
        False,
        'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    )


def test_changes_take_effect_at_once() -> None:
    reader = FakeReader(role("reader", SECRETS))
    rbac, binding = RbacAuthorizer(reader), bind("reader", users="jane")
    assert not rbac.authorize(ask("get", "secrets")).allowed
    reader.add(binding)
    assert rbac.authorize(ask("get", "secrets")).allowed
    reader.remove(binding)
    assert not rbac.authorize(ask("get", "secrets")).allowed


def test_an_aggregated_role_has_the_rules_of_those_it_selects_and_of_theirs() -> None:
    def gathering(name: str, label: str, own: str) -> ClusterRole:
        selector = LabelSelector(match_labels={"to": label})
        return ClusterRole(
            metadata=ObjectMeta(name=name, labels={"to": own}),
            aggregation_rule=AggregationRule(cluster_role_selectors=[selector]),
        )

    leaf = ClusterRole(metadata=ObjectMeta(name="leaf", labels={"to": "edit"}), rules=[SECRETS])
    reader = FakeReader(
        gathering("admin", "admin", "none"), gathering("edit", "edit", "admin"), leaf, bind("admin", users="jane")
    )
    assert RbacAuthorizer(reader).authorize(ask("get", "secrets")).allowed


@pytest.fixture(scope="module")
def defaults() -> UnionAuthorizer:
    return UnionAuthorizer(MastersAuthorizer(), RbacAuthorizer(FakeReader(*default_policy())))


ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))
ANYBODY = User("joe", groups=("system:authenticated",))
KCM, SCHEDULER = User("system:kube-controller-manager"), User("system:kube-scheduler")
ACCOUNT = User("system:serviceaccount:x:default", groups=("system:serviceaccounts",))
ROOT = User("root", groups=("system:masters",))
ADMIN = User("kubernetes-admin", groups=("kubeadm:cluster-admins",))
JOINING = User("system:bootstrap:abcdef", groups=("system:bootstrappers:kubeadm:default-node-token",))
GC = User("system:serviceaccount:kube-system:generic-garbage-collector")
CSR = "certificates.k8s.io"


@pytest.mark.parametrize(
    ("user", "request_", "allowed"),
    [
        (ANONYMOUS, ask_path("get", "/healthz"), True),
        (ANONYMOUS, ask_path("get", "/livez"), True),
        (ANONYMOUS, ask_path("get", "/version"), True),
        (ANONYMOUS, ask_path("get", "/metrics"), False),
        (ANONYMOUS, ask_path("get", "/api"), False),
        (ANONYMOUS, ask("get", "configmaps", namespace="kube-public", name="cluster-info"), True),
        (ANONYMOUS, ask("get", "configmaps", namespace="kube-public", name="other"), False),
        (ANONYMOUS, ask("list", "configmaps", namespace="kube-public"), False),
        (ANYBODY, ask_path("get", "/openapi/v3/apis/apps/v1"), True),
        (ANYBODY, ask("create", "selfsubjectaccessreviews", group="authorization.k8s.io"), True),
        (ANYBODY, ask("create", "subjectaccessreviews", group="authorization.k8s.io"), False),
        (ANYBODY, ask("get", "pods", namespace="default"), False),
        (ROOT, ask("delete", "nodes", name="n1"), True),
        (ROOT, ask_path("post", "/anything"), True),
        (ADMIN, ask("delete", "nodes", name="n1"), True),
        (KCM, ask("list", "widgets", group="example.com"), True),
        (KCM, ask("create", "leases", group="coordination.k8s.io", namespace="kube-system"), True),
        (KCM, ask("delete", "pods", namespace="default"), False),
        (SCHEDULER, ask("create", "pods/binding", namespace="default"), True),
        (SCHEDULER, ask("get", "secrets", namespace="default"), False),
        (SCHEDULER, ask("update", "resourceclaims/status", group="resource.k8s.io", namespace="x"), True),
        (SCHEDULER, ask("delete", "resourceslices", group="resource.k8s.io"), False),
        (ACCOUNT, ask("list", "clustertrustbundles", group=CSR), True),
        (ACCOUNT, ask("create", "clustertrustbundles", group=CSR), False),
        (JOINING, ask("create", "certificatesigningrequests", group=CSR), True),
        (JOINING, ask("create", "certificatesigningrequests/nodeclient", group=CSR), True),
        (JOINING, ask("create", "certificatesigningrequests/selfnodeclient", group=CSR), False),
        (JOINING, ask("get", "nodes", name="n1"), True),
        (JOINING, ask("list", "nodes"), False),
        (GC, ask("delete", "widgets", group="example.com", namespace="x"), True),
        (User("n", groups=("system:nodes",)), ask("watch", "endpointslices", group="discovery.k8s.io"), True),
        (User("n", groups=("system:nodes",)), ask("list", "secrets"), False),
    ],
)  # fmt: skip
def test_default_policy(defaults: UnionAuthorizer, user: User, request_: AccessRequest, allowed: bool) -> None:
    assert defaults.authorize(replace(request_, user=user)).allowed is allowed


def test_default_roles_build_on_each_other(defaults: UnionAuthorizer) -> None:
    by_name = {one.metadata.name: one for one in default_policy() if isinstance(one, ClusterRole)}
    assert missing_rules(by_name["admin"].rules, by_name["edit"].rules) == []
    assert missing_rules(by_name["edit"].rules, by_name["view"].rules) == []
    claims = [rule for rule in by_name["edit"].rules if "resourceclaims" in rule.resources]
    assert {verb for rule in claims for verb in rule.verbs} >= {"create", "delete", "list"}
    assert missing_rules(by_name["view"].rules, by_name["edit"].rules) != []


def test_every_default_binding_names_a_role_that_exists() -> None:
    rbac = RbacAuthorizer(FakeReader(*default_policy()))
    index = rbac.index()
    grants = [*index.cluster.values(), *(of for inside in index.namespaced.values() for of in inside.values())]
    assert not [grant.error for of in grants for grant in of if grant.error]


def test_default_names_are_unique() -> None:
    keys = [(type(one), one.metadata.namespace, one.metadata.name) for one in default_policy()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(
            ask("list", "pods", namespace="default"),
            'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
            id="a list",
        ),
        pytest.param(
            ask("get", "deployments/scale", group="apps", namespace="x", name="web"),
            'deployments.apps "web" is forbidden: User "jane" cannot get resource "deployments/scale" in API group '
            '"apps" in the namespace "x"',
            id="a subresource of a named object",
        ),
        pytest.param(
            ask("list", "nodes"),
            'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
            id="cluster scope",
        ),
        pytest.param(ask_path("get", "/x"), 'forbidden: User "jane" cannot get path "/x"', id="a path"),
    ],
)
def test_refusals_in_users_words(request_: AccessRequest, expected: str) -> None:
    assert refusal(request_).message == expected


@pytest.mark.parametrize(
    ("held", "wanted", "missing"),
    [
        pytest.param([rule("*", "*", groups="*")], [rule("get", "pods/log")], [], id="everything covers anything"),
        pytest.param([rule("get", "pods")], [rule("get list", "pods")], [rule("list", "pods")], id="a verb too many"),
        pytest.param(
            [rule("get", "pods"), rule("get", "secrets")],
            [rule("get", "pods secrets")],
            [],
            id="several rules cover one together",
        ),
        pytest.param(
            [rule("get", "pods", names="a")],
            [rule("get", "pods")],
            [rule("get", "pods")],
            id="a named object does not cover all",
        ),
        pytest.param([rule("get", "pods")], [rule("get", "pods", names="a")], [], id="all cover a named object"),
        pytest.param([rule("get", "*/scale")], [rule("get", "deployments/scale")], [], id="a subresource of anything"),
        pytest.param([rule("get", "pods")], [rule("get", "*")], [rule("get", "*")], id="a wildcard needs a wildcard"),
        pytest.param([paths("get", "/api/*")], [paths("get", "/api/v1/*")], [], id="a path prefix"),
        pytest.param(
            [paths("get", "/api/*")], [paths("get", "/healthz")], [paths("get", "/healthz")], id="another path"
        ),
    ],
)
def test_covering(held: list[PolicyRule], wanted: list[PolicyRule], missing: list[PolicyRule]) -> None:
    assert missing_rules(held, wanted) == missing


POD_READER = namespaced_role("prod", "pod-reader", rule("get list", "pods"))


def with_metadata(one: T, **changes: Any) -> T:
    return replace(one, metadata=replace(one.metadata, **changes))


@pytest.fixture
def check() -> EscalationCheck:
    rbac = RbacAuthorizer(
        FakeReader(
            role("holds", rule("get", "pods")),
            bind("holds", users="jane"),
            role("may-escalate", rule("escalate", "roles", groups="rbac.authorization.k8s.io")),
            bind("may-escalate", users="eve"),
            role("may-bind", rule("bind", "roles", groups="rbac.authorization.k8s.io", names="pod-reader")),
            bind("may-bind", users="bob"),
            POD_READER,
        )
    )
    return EscalationCheck(rbac, rbac)


async def test_nobody_grants_what_they_do_not_have(check: EscalationCheck) -> None:
    with pytest.raises(Forbidden) as refused:
        await check.check_role(JANE, POD_READER, None)
    assert refused.value.message == (
        'roles.rbac.authorization.k8s.io "pod-reader" is forbidden: user "jane" (groups=["dev" '
        '"system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}'
    )


@pytest.mark.parametrize(
    ("user", "old"),
    [
        pytest.param(ROOT, None, id="system:masters"),
        pytest.param(User("eve"), None, id="the verb escalate"),
        pytest.param(JANE, with_metadata(POD_READER, finalizers=["a/b"]), id="what the garbage collector changes"),
    ],
)
async def test_roles_that_may_be_written(check: EscalationCheck, user: User, old: Role | None) -> None:
    await check.check_role(user, POD_READER, old)


async def test_a_label_alone_may_grant(check: EscalationCheck) -> None:
    """`edit` gathers whatever is labelled so: with a label on a role its rules are granted to whoever holds `edit`."""
    labelled = with_metadata(POD_READER, labels={"rbac.authorization.k8s.io/aggregate-to-edit": "true"})
    with pytest.raises(Forbidden, match="not currently held"):
        await check.check_role(JANE, labelled, POD_READER)


async def test_bindings_need_the_rights_of_the_role_or_the_verb_bind(check: EscalationCheck) -> None:
    binding = bind_in("prod", "pod-reader", users="joe")
    with pytest.raises(Forbidden, match="not currently held"):
        await check.check_binding(JANE, binding, None)
    await check.check_binding(User("bob"), binding, None)
    await check.check_binding(JANE, with_metadata(binding, finalizers=["a/b"]), binding)
    with pytest.raises(NotFound):
        await check.check_binding(JANE, bind_in("prod", "missing", users="joe"), None)


async def test_gathering_rules_by_label_takes_everything(check: EscalationCheck) -> None:
    gathering = ClusterRole(metadata=ObjectMeta(name="all"), aggregation_rule=AggregationRule())
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use the aggregationRule"):
        await check.check_role(JANE, gathering, None)
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use the aggregationRule"):
        await check.check_role(JANE, replace(gathering, aggregation_rule=None), gathering)


def test_rules_are_described_as_upstream_does() -> None:
    assert describe_rule(rule("get", "pods", names="a b")) == (
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["a" "b"], Verbs:["get"]}'
    )
    assert describe_rule(paths("get", "/x")) == '{NonResourceURLs:["/x"], Verbs:["get"]}'


def test_default_roles_only_ever_gain() -> None:
    expected = role("r", rule("get list", "pods"))
    edited = replace(expected, rules=[rule("get", "pods"), rule("get", "secrets")])
    updated = reconcile_role(edited, expected)
    assert updated is not None
    assert updated.rules == [rule("get", "pods"), rule("get", "secrets"), rule("list", "pods")]
    assert reconcile_role(updated, expected) is None


def test_roles_whose_owner_said_so_are_left_alone() -> None:
    expected = role("r", rule("get", "pods"))
    mine = replace(expected, rules=[], metadata=replace(expected.metadata, annotations={AUTOUPDATE: "false"}))
    assert reconcile_role(mine, expected) is None


def test_default_bindings_regain_their_subjects() -> None:
    expected = bind("r", groups="a")
    updated = reconcile_binding(replace(expected, subjects=[]), expected)
    assert updated == expected
    assert reconcile_binding(replace(bind("r", groups="a"), role_ref=RoleRef(name="other")), expected) is None
