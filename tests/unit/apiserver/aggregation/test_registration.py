"""Which APIServices the server writes for itself."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.apiextensions_v1 import (
    CustomResourceDefinition,
    CustomResourceDefinitionSpec,
    CustomResourceDefinitionVersion,
)
from controlplane.api.apiregistration_v1 import APIService, APIServiceSpec, ServiceReference
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.aggregation.registration import AUTOMANAGED, Plan, plan, served_here, wanted


def a_service(name: str, kind: str = "", priority: int = 1) -> APIService:
    labels = {AUTOMANAGED: kind} if kind else {}
    version, _, group = name.partition(".")
    spec = APIServiceSpec(group=group, version=version, group_priority_minimum=priority)
    return APIService(metadata=ObjectMeta(name=name, labels=labels), spec=spec)


def a_definition(group: str, **versions: bool) -> CustomResourceDefinition:
    listed = [CustomResourceDefinitionVersion(name=name, served=served) for name, served in versions.items()]
    return CustomResourceDefinition(spec=CustomResourceDefinitionSpec(group=group, versions=listed))


BUILT_IN, CUSTOM = a_service("v1.apps", "onstart"), a_service("v1.acme.com", "true")
WANTED = {"v1.apps": BUILT_IN, "v1.acme.com": CUSTOM}


@pytest.mark.parametrize(
    ("current", "starting", "expected"),
    [
        pytest.param([], True, Plan(create=(BUILT_IN, CUSTOM,)), id="all of it at the start"),
        pytest.param([], False, Plan(create=(CUSTOM,)), id="then only what comes and goes"),
        pytest.param([BUILT_IN, CUSTOM], True, Plan(), id="as they should be"),
        pytest.param([replace(BUILT_IN, spec=APIServiceSpec(group="x")), CUSTOM], True, Plan(update=(BUILT_IN,)),
                     id="changed while we were away"),
        pytest.param([replace(BUILT_IN, spec=APIServiceSpec(group="x")), CUSTOM], False, Plan(),
                     id="changed by somebody who may"),
        pytest.param([BUILT_IN, replace(CUSTOM, spec=APIServiceSpec(group="x"))], False, Plan(update=(CUSTOM,)),
                     id="a custom one is put right at any time"),
        pytest.param([a_service("v1.apps"), CUSTOM], True, Plan(), id="somebody's own is left alone"),
        pytest.param([BUILT_IN, CUSTOM, a_service("v2.acme.com", "true")], False,
                     Plan(delete=(a_service("v2.acme.com", "true"),)), id="a definition has gone"),
        pytest.param([BUILT_IN, CUSTOM, a_service("v1beta1.apps", "onstart")], True,
                     Plan(delete=(a_service("v1beta1.apps", "onstart"),)), id="no longer served by this release"),
        pytest.param([BUILT_IN, CUSTOM, a_service("v1beta1.apps", "onstart")], False, Plan(),
                     id="another server of the cluster may serve it"),
        pytest.param([BUILT_IN, CUSTOM, a_service("v1.metrics.k8s.io")], True, Plan(), id="somebody else's server"),
    ],
)  # fmt: skip
def test_plan(current: list[APIService], starting: bool, expected: Plan) -> None:
    assert plan(WANTED, current, starting=starting) == expected


@pytest.mark.parametrize(
    ("definitions", "names"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([a_definition("acme.com", v1=True, v2=False)], {"v1.acme.com": (1000, 100)}, id="served versions"),
        pytest.param([a_definition("acme.com", v1=True), a_definition("acme.com", v1=True)],
                     {"v1.acme.com": (1000, 100)}, id="two kinds of one group"),
        pytest.param([a_definition("apps", v1=True)], {}, id="a built-in group version is not theirs to take"),
    ],
)  # fmt: skip
def test_wanted_of_definitions(definitions: Any, names: dict[str, tuple[int, int]]) -> None:
    found = wanted([("apps", "v1")], definitions)
    assert found.pop("v1.apps").metadata.labels == {AUTOMANAGED: "onstart"}
    assert names == {name: (one.spec.group_priority_minimum, one.spec.version_priority) for name, one in found.items()}


METRICS = a_service("v1beta1.metrics.k8s.io", "true", 100)
INSTALLED = replace(METRICS, spec=replace(METRICS.spec, service=ServiceReference(name="metrics-server")))


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        pytest.param([], Plan(create=(METRICS,)), id="ours, as long as nobody has one"),
        pytest.param([INSTALLED], Plan(), id="applied over ours, label and all"),
        pytest.param([replace(METRICS, spec=APIServiceSpec(group="metrics.k8s.io"))], Plan(update=(METRICS,)),
                     id="put right as long as it names no Service"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("starting", [True, False])
def test_a_metrics_server_takes_the_place_of_ours(current: list[APIService], starting: bool, expected: Plan) -> None:
    assert plan({METRICS.metadata.name: METRICS}, current, starting=starting) == expected


def test_every_built_in_group_version_has_a_priority() -> None:
    found = wanted(served_here(), [])
    assert len(found) == len(served_here()) - 1  # but apiregistration.k8s.io, which comes before all
    assert found["v1."].spec.group_priority_minimum == 18000
