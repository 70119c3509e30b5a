"""Which requests a webhook or a policy is for."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.admission.interface import Attributes, Operation
from controlplane.admission.requests import Versioned
from controlplane.admission.selection import Selectors, matches_rule, matching
from controlplane.admission.subresources import kind_of
from controlplane.api.admissionregistration_v1 import RuleWithOperations
from controlplane.api.core_v1 import Namespace
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta
from controlplane.api.resources import BY_KIND
from controlplane.api.status import NotFound
from controlplane.auth.interface import User
from tests.fakes.reader import FakeReader

DEPLOYMENT, POD, NODE = BY_KIND["apps/v1", "Deployment"], BY_KIND["v1", "Pod"], BY_KIND["v1", "Node"]
NAMESPACE, EVENT, NEW_EVENT = BY_KIND["v1", "Namespace"], BY_KIND["v1", "Event"], BY_KIND["events.k8s.io/v1", "Event"]


def asked(resource: Any, operation: str = "CREATE", *, subresource: str = "", **more: Any) -> Attributes:
    namespace = "shop" if resource.namespaced else ""
    return Attributes(
        Operation(operation), resource, "a", User("jane"), namespace, subresource, **{"document": {}, **more}
    )


def rule(resources: str, group: str = "*", version: str = "*", operations: str = "*", scope: str = "") -> Any:
    return RuleWithOperations(
        api_groups=[group], api_versions=[version], operations=operations.split(","), resources=resources.split(","),
        scope=scope,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule_", "request_", "matches"),
    [
        pytest.param(rule("deployments", "apps", "v1", "CREATE"), asked(DEPLOYMENT), True, id="exact"),
        pytest.param(rule("deployments", "apps", "v1", "UPDATE"), asked(DEPLOYMENT), False, id="another operation"),
        pytest.param(rule("deployments", "apps", "v1", "UPDATE,CREATE"), asked(DEPLOYMENT), True, id="one of two"),
        pytest.param(rule("deployments", "", "v1"), asked(DEPLOYMENT), False, id="another group"),
        pytest.param(rule("deployments", "apps", "v1beta1"), asked(DEPLOYMENT), False, id="another version"),
        pytest.param(rule("pods"), asked(DEPLOYMENT), False, id="another resource"),
        pytest.param(rule("*"), asked(DEPLOYMENT), True, id="any resource"),
        pytest.param(rule("*"), asked(POD, subresource="status"), False, id="but not its subresources"),
        pytest.param(rule("*/*"), asked(POD, subresource="status"), True, id="with its subresources"),
        pytest.param(rule("*/*"), asked(POD), True, id="and without"),
        pytest.param(rule("pods/*"), asked(POD, subresource="exec"), True, id="any subresource of one"),
        pytest.param(rule("pods/status"), asked(POD), False, id="the subresource only"),
        pytest.param(rule("*/status"), asked(POD, subresource="status"), True, id="one subresource of any"),
        pytest.param(rule("*", scope="Namespaced"), asked(POD), True, id="namespaced"),
        pytest.param(rule("*", scope="Namespaced"), asked(NODE), False, id="a node is not"),
        pytest.param(rule("*", scope="Cluster"), asked(NODE), True, id="a node is the cluster's"),
        pytest.param(rule("*", scope="Cluster"), asked(NAMESPACE, "UPDATE"), True, id="and so is a namespace"),
        pytest.param(rule("*", scope="Namespaced"), asked(NAMESPACE, "UPDATE"), False, id="which is in none"),
        pytest.param(rule("*", scope="*"), asked(NODE), True, id="any scope"),
    ],
)
def test_rules(rule_: Any, request_: Attributes, matches: bool) -> None:
    assert matches_rule(rule_, request_, request_.resource) is matches


@pytest.mark.parametrize(
    ("rules", "policy", "expected"),
    [
        ([rule("events", "")], "Exact", EVENT),
        ([rule("events", "events.k8s.io")], "Exact", None),
        ([rule("events", "events.k8s.io")], "Equivalent", NEW_EVENT),
        ([rule("events", "events.k8s.io"), rule("events", "")], "Equivalent", EVENT),
        ([rule("pods", "")], "Equivalent", None),
    ],
)
def test_the_same_objects_under_another_name(rules: list[Any], policy: str, expected: Any) -> None:
    assert matching(rules, asked(EVENT), [NEW_EVENT], policy) is expected


def labelled(**labels: str) -> dict[str, Any]:
    return {"metadata": {"labels": labels}}


def selecting(**labels: str) -> LabelSelector:
    return LabelSelector(match_labels=labels)


READER = FakeReader(Namespace(metadata=ObjectMeta(name="shop", labels={"env": "prod"})))


@pytest.mark.parametrize(
    ("selectors", "request_", "matches"),
    [
        pytest.param((None, None), asked(POD), True, id="no selector selects all"),
        pytest.param((None, selecting(a="1")), asked(POD, document=labelled(a="1")), True, id="the new object"),
        pytest.param((None, selecting(a="1")), asked(POD, document=labelled(a="2")), False, id="not the new object"),
        pytest.param(
            (None, selecting(a="1")),
            asked(POD, "UPDATE", document=labelled(a="2"), old=labelled(a="1")),
            True,
            id="the old object is enough",
        ),
        pytest.param((selecting(env="prod"), None), asked(POD), True, id="the namespace"),
        pytest.param((selecting(env="test"), None), asked(POD), False, id="not the namespace"),
        pytest.param((selecting(env="test"), None), asked(NODE), True, id="a node is in no namespace to leave out"),
        pytest.param(
            (selecting(env="test"), None),
            asked(NAMESPACE, document=labelled(env="test")),
            True,
            id="a new namespace by its own labels",
        ),
        pytest.param(
            (selecting(env="prod"), None),
            Attributes(Operation.DELETE, NAMESPACE, "shop", User("jane"), old=labelled(env="prod")),
            True,
            id="one that is deleted as it is stored",
        ),
    ],
)
def test_selectors(selectors: tuple[Any, Any], request_: Attributes, matches: bool) -> None:
    assert Selectors.of(*selectors).match(request_, READER) is matches


def test_a_namespace_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        Selectors.of(selecting(a="b"), None).match(asked(POD), FakeReader())


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (asked(DEPLOYMENT), ("apps", "v1", "Deployment")),
        (asked(POD, "UPDATE", subresource="status"), ("", "v1", "Pod")),
        (asked(POD, subresource="binding"), ("", "v1", "Binding")),
        (asked(POD, subresource="eviction"), ("policy", "v1", "Eviction")),
        (asked(POD, "CONNECT", subresource="exec"), ("", "v1", "PodExecOptions")),
        (asked(POD, "CONNECT", subresource="attach"), ("", "v1", "PodAttachOptions")),
        (asked(NODE, "CONNECT", subresource="proxy"), ("", "v1", "NodeProxyOptions")),
        (asked(BY_KIND["v1", "ServiceAccount"], subresource="token"), ("authentication.k8s.io", "v1", "TokenRequest")),
    ],
)
def test_the_kind_of_what_is_sent(request_: Attributes, kind: tuple[str, str, str]) -> None:
    assert kind_of(request_) == kind


def test_what_is_empty_is_left_out_of_a_request() -> None:
    shown = Versioned(asked(NODE), NODE, {}, None).request()
    assert not shown.keys() & {"namespace", "subResource", "requestSubResource"}
    assert shown["userInfo"] == {"username": "jane", "groups": []}
