"""What objects use, which quotas count them, and what a write makes of a quota."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.base import Quantity
from controlplane.api.codec import from_document
from controlplane.api.core_v1 import PersistentVolumeClaim, Pod, ResourceQuota, Service
from controlplane.api.quantity import value
from controlplane.api.quota.amounts import beyond, growth, total
from controlplane.api.quota.charge import LimitedResource, Refused, Uncovered, Write, charge
from controlplane.api.quota.kinds import Evaluator, evaluator_for
from controlplane.api.quota.scopes import Scope, claim_in_scope, pod_in_scope
from controlplane.api.quota.total import used_by

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def kind(plural: str, group: str = "") -> Evaluator:
    found = evaluator_for(group, plural)
    assert found is not None
    return found


def a_pod(spec: Any = None, *, name: str = "p", metadata: Any = None, **status: Any) -> Pod:
    spec = {"containers": [{"name": "a"}], **(spec or {})}
    return from_document({"metadata": {"name": name, **(metadata or {})}, "spec": spec, "status": status}, Pod)


def container(name: str = "a", *, restart: str = "", limits: Any = None, **requests: Any) -> Any:
    resources = {"requests": requests, "limits": limits or {}}
    return {"name": name, "resources": resources, **({"restartPolicy": restart} if restart else {})}


def a_quota(used: Any = None, *, name: str = "q", scopes: Any = (), selector: Any = None, **hard: Any) -> ResourceQuota:
    hard = {key.replace("_", "."): value for key, value in hard.items()}
    spec = {"hard": hard, "scopes": list(scopes), "scopeSelector": {"matchExpressions": selector or []}}
    used = dict.fromkeys(hard, "0") if used is None else used
    document = {"metadata": {"name": name}, "spec": spec, "status": {"hard": hard, "used": used}}
    return from_document(document, ResourceQuota)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, {}, id="asks for nothing"),
        pytest.param(
            {"containers": [container(cpu="1", limits={"cpu": "2"}), container("b", cpu="500m", memory="1Gi")]},
            {"cpu": "1500m", "requests.cpu": "1500m", "memory": "1Gi", "requests.memory": "1Gi", "limits.cpu": "2"},
            id="the sum of the containers",
        ),
        pytest.param(
            {"initContainers": [container("i", cpu="3")], "containers": [container(cpu="1")]},
            {"cpu": "3", "requests.cpu": "3"},
            id="or an init container that needs more",
        ),
        pytest.param(
            {
                "initContainers": [container("s", restart="Always", cpu="1"), container("i", cpu="3")],
                "containers": [container(cpu="1")],
            },
            {"cpu": "4", "requests.cpu": "4"},
            id="beside a sidecar that has started before it",
        ),
        pytest.param(
            {"containers": [container(cpu="1")], "overhead": {"cpu": "100m", "memory": "1Mi"}},
            {"cpu": "1100m", "requests.cpu": "1100m", "memory": "1Mi", "requests.memory": "1Mi"},
            id="and the sandbox",
        ),
        pytest.param(
            {"containers": [container(cpu="1")], "resources": {"requests": {"cpu": "4"}}},
            {"cpu": "4", "requests.cpu": "4"},
            id="what is said of the pod as a whole counts instead",
        ),
        pytest.param(
            {"containers": [container(**{"example.com/gpu": 2, "hugepages-2Mi": "4Mi", "ephemeral-storage": "1G"})]},
            {
                "requests.example.com/gpu": "2",
                "hugepages-2Mi": "4Mi",
                "requests.hugepages-2Mi": "4Mi",
                "ephemeral-storage": "1G",
                "requests.ephemeral-storage": "1G",
            },
            id="devices, huge pages, disk",
        ),
    ],
)
def test_what_a_pod_uses(spec: Any, expected: dict[str, Quantity]) -> None:
    used = kind("pods").usage(a_pod(spec), NOW)
    assert used == {"count/pods": "1", "pods": "1", **expected}
    assert all(map(kind("pods").tracks, used))


@pytest.mark.parametrize(
    ("pod", "charged"),
    [
        (a_pod(phase="Running"), True),
        (a_pod(phase="Succeeded"), False),
        (a_pod(phase="Failed"), False),
        (a_pod(metadata={"deletionTimestamp": "2025-12-31T23:59:50Z", "deletionGracePeriodSeconds": 30}), True),
        (a_pod(metadata={"deletionTimestamp": "2025-12-31T23:59:20Z", "deletionGracePeriodSeconds": 30}), False),
    ],
)
def test_until_when_a_pod_is_charged(pod: Pod, charged: bool) -> None:
    assert ("pods" in kind("pods").usage(pod, NOW)) is charged
    assert kind("pods").usage(pod, NOW)["count/pods"] == "1"


@pytest.mark.parametrize(
    ("spec", "node_ports", "balancers"),
    [
        ({"type": "ClusterIP", "ports": [{"port": 1}]}, "0", "0"),
        ({"type": "NodePort", "ports": [{"port": 1}, {"port": 2}]}, "2", "0"),
        ({"type": "LoadBalancer", "ports": [{"port": 1}]}, "1", "1"),
        ({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"port": 1}]}, "0", "1"),
        (
            {
                "type": "LoadBalancer",
                "allocateLoadBalancerNodePorts": False,
                "ports": [{"port": 1, "nodePort": 30000}, {"port": 2}],
            },
            "1",
            "1",
        ),
    ],
)
def test_what_a_service_uses(spec: Any, node_ports: str, balancers: str) -> None:
    service = from_document({"metadata": {"name": "s"}, "spec": spec}, Service)
    assert kind("services").usage(service, NOW) == {
        "count/services": "1",
        "services": "1",
        "services.nodeports": node_ports,
        "services.loadbalancers": balancers,
    }


def a_claim(storage: Any = "1Gi", **more: Any) -> PersistentVolumeClaim:
    spec = {"resources": {"requests": {"storage": storage}}, **more.pop("spec", {})}
    return from_document({"metadata": {"name": "c"}, "spec": spec, "status": more}, PersistentVolumeClaim)


def test_what_a_claim_uses() -> None:
    gold = "gold.storageclass.storage.k8s.io"
    claim = a_claim(spec={"storageClassName": "gold"}, allocatedResources={"storage": "2Gi"})
    assert kind("persistentvolumeclaims").usage(claim, NOW) == {
        "count/persistentvolumeclaims": "1",
        "persistentvolumeclaims": "1",
        "requests.storage": "2Gi",
        f"{gold}/persistentvolumeclaims": "1",
        f"{gold}/requests.storage": "2Gi",
    }
    assert kind("persistentvolumeclaims").usage(a_claim("100m"), NOW)["requests.storage"] == "1"
    tracks = kind("persistentvolumeclaims").tracks
    assert tracks(f"{gold}/requests.storage")
    assert not tracks(f"{gold}/cpu")
    assert not tracks("requests.cpu")


@pytest.mark.parametrize(
    ("plural", "group", "names"),
    [
        ("configmaps", "", {"count/configmaps", "configmaps"}),
        ("endpoints", "", {"count/endpoints"}),
        ("deployments", "apps", {"count/deployments.apps"}),
    ],
)
def test_of_other_kinds_the_number_counts(plural: str, group: str, names: set[str]) -> None:
    assert kind(plural, group).usage(None, NOW).keys() == names


def test_events_are_not_counted() -> None:
    assert evaluator_for("", "events") is None
    assert evaluator_for("events.k8s.io", "events") is None


def scope(name: str, operator: str = "Exists", *values: str) -> Scope:
    return Scope(scope_name=name, operator=operator, values=list(values))


FAR = {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
    {"topologyKey": "zone", "namespaces": ["other"]}]}}}  # fmt: skip
NEAR = {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}}}
HIGH = {"priorityClassName": "high"}


@pytest.mark.parametrize(
    ("wanted", "spec", "matches"),
    [
        (scope("Terminating"), {"activeDeadlineSeconds": 1}, True),
        (scope("Terminating"), {}, False),
        (scope("NotTerminating"), {}, True),
        (scope("BestEffort"), {}, True),
        (scope("BestEffort"), {"containers": [container(cpu="1")]}, False),
        (scope("NotBestEffort"), {"containers": [container(cpu="1")]}, True),
        (scope("PriorityClass"), HIGH, True),
        (scope("PriorityClass"), {}, False),
        (scope("PriorityClass", "In", "high", "low"), HIGH, True),
        (scope("PriorityClass", "In", "low"), HIGH, False),
        (scope("PriorityClass", "NotIn", "low"), HIGH, True),
        (scope("PriorityClass", "NotIn", "low"), {}, True),
        (scope("PriorityClass", "DoesNotExist"), {}, True),
        (scope("CrossNamespacePodAffinity"), FAR, True),
        (scope("CrossNamespacePodAffinity"), NEAR, False),
        (scope("VolumeAttributesClass"), {}, False),
    ],
)
def test_scopes_of_pods(wanted: Scope, spec: Any, matches: bool) -> None:
    assert pod_in_scope(wanted, a_pod(spec)) is matches


def test_scopes_of_claims() -> None:
    claim = a_claim(spec={"volumeAttributesClassName": "fast"}, currentVolumeAttributesClassName="slow")
    assert claim_in_scope(scope("VolumeAttributesClass"), claim)
    assert claim_in_scope(scope("VolumeAttributesClass", "In", "slow"), claim)
    assert not claim_in_scope(scope("VolumeAttributesClass", "In", "other"), claim)
    assert not claim_in_scope(scope("BestEffort"), claim)


def a_write(new: Any = None, old: Any = None, *, plural: str = "pods", group: str = "", subresource: str = "") -> Write:
    return Write(group, plural, kind(plural, group), new, old, subresource)


def used(quotas: list[ResourceQuota]) -> list[dict[str, Any]]:
    return [dict(one.status.used) for one in quotas]


def test_every_quota_that_counts_an_object_is_charged() -> None:
    quotas = [
        a_quota(name="some", pods="2"),
        a_quota(name="effort", pods="2", scopes=["NotBestEffort"]),
        a_quota(name="others", configmaps="2"),
    ]
    assert used(charge(quotas, a_write(a_pod()), NOW)) == [{"pods": "1"}, {"pods": "0"}, {"configmaps": "0"}]


@pytest.mark.parametrize(
    ("quota", "write", "why"),
    [
        pytest.param(
            a_quota({"pods": "1"}, pods="1"),
            a_write(a_pod()),
            "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1",
            id="full",
        ),
        pytest.param(
            a_quota({}, pods="1"),
            a_write(a_pod()),
            "status unknown for quota: q, resources: pods",
            id="not counted yet",
        ),
        pytest.param(
            a_quota(cpu="1"), a_write(a_pod()), "failed quota: q: must specify cpu for: a", id="does not say how much"
        ),
        pytest.param(
            a_quota({"requests.storage": "500Mi"}, requests_storage="1Gi"),
            a_write(a_claim("2Gi"), a_claim("1Gi"), plural="persistentvolumeclaims"),
            "exceeded quota: q, requested: requests.storage=1Gi, used: requests.storage=500Mi, "
            "limited: requests.storage=1Gi",
            id="grows too far",
        ),
    ],
)
def test_refusals(quota: ResourceQuota, write: Write, why: str) -> None:
    with pytest.raises(Refused, match=f"^{why.replace('.', '[.]')}$"):
        charge([quota], write, NOW)


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [("2Gi", "1Gi", "3Gi"), ("1Gi", "2Gi", "2Gi"), ("1Gi", "1Gi", "2Gi")],
    ids=["grows", "shrinks: the controller gives back", "stays"],
)
def test_updates(new: str, old: str, expected: str) -> None:
    quota = a_quota({"requests.storage": "2Gi"}, requests_storage="9Gi")
    write = a_write(a_claim(new), a_claim(old), plural="persistentvolumeclaims")
    assert used(charge([quota], write, NOW)) == [{"requests.storage": expected}]


def test_a_status_tells_what_has_happened_so_it_is_charged_and_not_refused() -> None:
    quota = a_quota({"requests.storage": "1Gi"}, requests_storage="1Gi")
    grown = a_claim("1Gi", allocatedResources={"storage": "2Gi"})
    write = a_write(grown, a_claim("1Gi"), plural="persistentvolumeclaims", subresource="status")
    assert used(charge([quota], write, NOW)) == [{"requests.storage": "2Gi"}]


def test_limited_by_default() -> None:
    gold = LimitedResource("persistentvolumeclaims", match_contains=(".storageclass.storage.k8s.io/requests.storage",))
    claim = a_claim(spec={"storageClassName": "gold"})
    write = a_write(claim, plural="persistentvolumeclaims")
    name = "gold.storageclass.storage.k8s.io/requests.storage"
    with pytest.raises(Refused, match=f"insufficient quota to consume: {name}"):
        charge([], write, NOW, [gold])
    assert charge([], a_write(a_claim(), plural="persistentvolumeclaims"), NOW, [gold]) == []
    assert used(charge([a_quota(**{name: "5Gi"})], write, NOW, [gold])) == [{name: "1Gi"}]


def test_scopes_limited_by_default() -> None:
    high = LimitedResource("pods", match_scopes=(scope("PriorityClass", "In", "high"),))
    with pytest.raises(
        Uncovered, match=r"^insufficient quota to match these scopes: \[\{PriorityClass In \[high\]\}\]$"
    ):
        charge([], a_write(a_pod(HIGH)), NOW, [high])
    selector = [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]
    quota = a_quota(pods="1", selector=selector)
    assert used(charge([quota], a_write(a_pod(HIGH)), NOW, [high])) == [{"pods": "1"}]
    assert charge([], a_write(a_pod()), NOW, [high]) == []


def test_adding_up_a_namespace() -> None:
    quota = a_quota(pods="9", cpu="9", configmaps="1", scopes=["NotTerminating"])
    pods = [a_pod({"containers": [container(cpu="1")]}), a_pod(), a_pod({"activeDeadlineSeconds": 1})]
    assert used_by(quota, kind("pods"), pods, NOW) == {"pods": "2", "cpu": "1"}
    assert used_by(quota, kind("secrets"), [], NOW) == {}


AMOUNTS = st.dictionaries(st.sampled_from(["pods", "cpu", "memory"]), st.integers(0, 10**6).map(str))


@given(AMOUNTS, AMOUNTS)
def test_what_grows_and_what_was_there_make_what_there_is(new: dict[str, Quantity], old: dict[str, Quantity]) -> None:
    after = total([old, growth(new, old)])
    assert not beyond(new, after)
    assert all(value(after[name]) == max(value(new.get(name, 0)), value(old.get(name, 0))) for name in after)


def test_overdue_means_after_its_grace() -> None:
    metadata = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 5}
    pod = a_pod(metadata=metadata)
    assert "pods" in kind("pods").usage(pod, NOW + timedelta(seconds=5))
    assert "pods" not in kind("pods").usage(pod, NOW + timedelta(seconds=6))
