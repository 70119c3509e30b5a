"""What authors of policies are told about the kinds that their policies are for."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.admission.policies.kinds import object_type
from controlplane.api.admissionregistration_v1 import (
    MatchResources,
    NamedRuleWithOperations,
    TypeChecking,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicySpec,
    ValidatingAdmissionPolicyStatus,
    Validation,
    Variable,
)
from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.apps_v1 import Deployment
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.cel import compile_expression
from controlplane.cel.types import BOOL, INT
from controlplane.controllers.policystatus.plan import kinds_of, plan


def policy(*validations: Validation, resources: str = "deployments", groups: str = "apps") -> ValidatingAdmissionPolicy:
    rule = NamedRuleWithOperations(
        api_groups=groups.split(","), api_versions=["v1"], operations=["*"], resources=resources.split(",")
    )
    spec = ValidatingAdmissionPolicySpec(
        match_constraints=MatchResources(resource_rules=[rule]),
        validations=list(validations),
        variables=[Variable(name="count", expression="object.spec.replicas")],
    )
    return ValidatingAdmissionPolicy(metadata=ObjectMeta(name="p", generation=3), spec=spec)


def warnings(*validations: Validation, **more: Any) -> list[tuple[str, str]]:
    status = plan(policy(*validations, **more))
    assert status is not None
    assert status.observed_generation == 3
    assert status.type_checking is not None
    return [(one.field_ref, one.warning) for one in status.type_checking.expression_warnings]


def test_what_fits_is_not_warned_about() -> None:
    assert (
        warnings(
            Validation(expression="object.spec.replicas > 1 && variables.count < 5"),
            Validation(expression="object.metadata.creationTimestamp.getFullYear() > 2000"),
            Validation(expression="object.spec.template.spec.containers.all(c, c.image.startsWith('x'))"),
            Validation(expression="variables.count > 0 && quantity(object.metadata.labels['size']).sign() > 0"),
            Validation(expression="object.spec.strategy.rollingUpdate.maxSurge == '25%'"),
        )
        == []
    )


def test_mistakes_are_told_with_the_kind_and_the_place() -> None:
    found = warnings(
        Validation(expression="object.spec.replicas == 'one'"),
        Validation(expression="true", message_expression="object.spec.nothing"),
    )
    assert found == [
        (
            "spec.validations[0].expression",
            "apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:22: found no matching overload for "
            "'_==_' applied to '(int, string)'\n | object.spec.replicas == 'one'\n | .....................^\n",
        ),
        (
            "spec.validations[1].messageExpression",
            "apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:12: undefined field 'nothing'\n"
            " | object.spec.nothing\n | ...........^\n",
        ),
    ]


def test_each_kind_is_checked() -> None:
    ((_, text),) = warnings(
        Validation(expression="object.spec.replicas > 0"), resources="deployments,pods,daemonsets", groups="apps,"
    )
    assert [line.partition(":")[0] for line in text.split("\n") if "Kind=" in line] == [
        "v1, Kind=Pod",
        "apps/v1, Kind=DaemonSet",
    ]


@pytest.mark.parametrize(
    ("resources", "groups", "kinds"),
    [
        ("deployments", "apps", ["Deployment"]),
        ("deployments,replicasets", "apps", ["Deployment", "ReplicaSet"]),
        ("*", "apps", []),
        ("deployments", "*", []),
        ("deployments/scale", "apps", []),
        ("widgets", "example.com", []),
    ],
)
def test_kinds(resources: str, groups: str, kinds: list[str]) -> None:
    assert [one.kind for one in kinds_of(policy(resources=resources, groups=groups))] == kinds


def test_a_policy_is_checked_once_a_generation() -> None:
    checked = ValidatingAdmissionPolicyStatus(observed_generation=3, type_checking=TypeChecking())
    assert plan(replace(policy(), status=checked)) is None
    assert plan(replace(policy(), status=replace(checked, observed_generation=2))) is not None


@pytest.mark.parametrize(
    ("kind", "expression", "type_"),
    [
        (Deployment, "object.spec.replicas", INT),
        (Deployment, "object.spec.template.spec.hostNetwork", BOOL),
        (CustomResourceDefinition, "object.spec.versions[0].schema.openAPIV3Schema.items == null", BOOL),
    ],
)
def test_kinds_as_types(kind: Any, expression: str, type_: object) -> None:
    assert compile_expression(expression, {"object": object_type(kind)}).type == type_
