"""The plug-ins that somebody has to ask for: each one's rule."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from controlplane.admission.always import AlwaysAdmit, AlwaysDeny
from controlplane.admission.always_pull_images import AlwaysPullImages
from controlplane.admission.deny_service_external_ips import DenyServiceExternalIPs
from controlplane.admission.event_rate_limit import EventLimit, EventRateLimit
from controlplane.admission.extended_resource_toleration import ExtendedResourceToleration
from controlplane.admission.interface import Attributes, Caller, Plugin
from controlplane.admission.limit_pod_hard_anti_affinity_topology import LimitPodHardAntiAffinityTopology
from controlplane.admission.namespace_presence import NamespaceAutoProvision, NamespaceExists
from controlplane.admission.owner_references_permission_enforcement import OwnerReferencesPermissionEnforcement
from controlplane.admission.pod_node_selector import PodNodeSelector
from controlplane.admission.pod_toleration_restriction import PodTolerationRestriction, TolerationSettings
from controlplane.api.codec import Document
from controlplane.api.core_v1 import Namespace, Toleration
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resources import BY_KIND, Resource
from controlplane.api.status import Forbidden, InternalError, NotFound, StatusError, TooManyRequests
from controlplane.kit.clock import ManualClock
from tests.fakes.reader import FakeReader
from tests.unit.admission.test_admission import CREATE, DELETE, UPDATE, Eager, Someone, attributes


def a_pod(**spec: Any) -> Document:
    return {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "a", "image": "i"}], **spec}}


def a_namespace(**annotations: str) -> Namespace:
    prefix = "scheduler.alpha.kubernetes.io/"
    noted = {f"{prefix}{key.replace('_', '-')}": value for key, value in annotations.items()}
    return Namespace(metadata=ObjectMeta(name="prod", annotations=noted))


async def mutated(plugin: Plugin, document: Document, **more: Any) -> Document:
    """Return the spec of a pod that the plug-in has changed and agrees with."""
    request = attributes(CREATE, "pods", document, **more)
    await plugin.mutate(request)
    await plugin.validate(request)
    assert request.document is not None
    spec: Document = request.document["spec"]
    return spec


async def refusal(plugin: Plugin, request: Attributes) -> str:
    with pytest.raises(StatusError) as refused:
        await plugin.mutate(request)
        await plugin.validate(request)
    return refused.value.message


async def test_always() -> None:
    assert (await mutated(AlwaysAdmit(), a_pod())) == a_pod()["spec"]
    said = await refusal(AlwaysDeny(), attributes(DELETE, "pods"))
    assert said == 'pods "x" is forbidden: admission control is denying all modifications'


async def test_images_are_always_pulled() -> None:
    pod = a_pod(initContainers=[{"name": "i", "image": "i"}], volumes=[{"name": "v", "image": {"reference": "r"}}])
    spec = await mutated(AlwaysPullImages(), pod)
    assert [one["imagePullPolicy"] for one in (*spec["containers"], *spec["initContainers"])] == ["Always"] * 2
    assert spec["volumes"][0]["image"]["pullPolicy"] == "Always"
    request = attributes(CREATE, "pods", a_pod())
    with pytest.raises(Forbidden, match=r'spec\.containers\[0\]\.imagePullPolicy: Unsupported value: "": supported'):
        await AlwaysPullImages().validate(request)
    await AlwaysPullImages().validate(attributes(UPDATE, "pods", a_pod(), old=a_pod()))  # brings no new image


def services(*addresses: str) -> Document:
    return {"metadata": {"name": "x"}, "spec": {"externalIPs": list(addresses)}}


@pytest.mark.parametrize(
    ("new", "old", "refused"),
    [
        (services(), None, False),
        (services("1.2.3.4"), None, True),
        (services("1.2.3.4"), services("1.2.3.4", "1.2.3.5"), False),
        (services("1.2.3.4", "1.2.3.5"), services("1.2.3.4"), True),
    ],
)
async def test_external_addresses(new: Document, old: Document | None, refused: bool) -> None:
    request = attributes(CREATE if old is None else UPDATE, "services", new, old=old)
    if refused:
        said = await refusal(DenyServiceExternalIPs(), request)
        assert said == 'services "x" is forbidden: Use of external IPs is denied by admission control'
    else:
        await DenyServiceExternalIPs().validate(request)


def apart(key: str) -> Document:
    terms = [{"topologyKey": key}]
    return a_pod(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})


async def test_pods_keep_others_off_their_node_only() -> None:
    plugin = LimitPodHardAntiAffinityTopology()
    await mutated(plugin, apart("kubernetes.io/hostname"))
    assert await refusal(plugin, attributes(CREATE, "pods", apart("zone"))) == (
        'pods "x" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key '
        "kubernetes.io/hostname is allowed"
    )


async def test_who_asks_for_a_device_tolerates_its_taint() -> None:
    requests = {"requests": {"cpu": "1", "b.com/gpu": "1", "a.com/nic": "1"}}
    pod = a_pod(containers=[{"name": "a", "resources": requests}], tolerations=[{"key": "other", "operator": "Exists"}])
    spec = await mutated(ExtendedResourceToleration(), pod)
    assert [one["key"] for one in spec["tolerations"]] == ["other", "a.com/nic", "b.com/gpu"]
    assert spec["tolerations"][1] == {"key": "a.com/nic", "operator": "Exists", "effect": "NoSchedule"}
    again = copy.deepcopy(spec)
    assert await mutated(ExtendedResourceToleration(), {**pod, "spec": again}) == spec


@pytest.mark.parametrize(
    ("annotations", "selectors", "pod", "expected"),
    [
        ({"node_selector": "env=prod"}, {}, {}, {"env": "prod"}),
        ({"node_selector": "env=prod"}, {}, {"disk": "ssd"}, {"env": "prod", "disk": "ssd"}),
        ({}, {"clusterDefaultNodeSelector": "env=any"}, {}, {"env": "any"}),
        ({"node_selector": ""}, {"clusterDefaultNodeSelector": "env=any"}, {}, None),
        ({"node_selector": "env=prod"}, {"prod": "env=prod,disk=ssd"}, {"disk": "ssd"}, {"env": "prod", "disk": "ssd"}),
        ({}, {}, {}, None),
    ],
)
async def test_pods_go_where_their_namespace_does(
    annotations: dict[str, str], selectors: dict[str, str], pod: dict[str, str], expected: dict[str, str] | None
) -> None:
    plugin = PodNodeSelector(FakeReader(a_namespace(**annotations)), selectors)
    spec = await mutated(plugin, a_pod(**({"nodeSelector": pod} if pod else {})))
    assert spec.get("nodeSelector") == expected


@pytest.mark.parametrize(
    ("annotations", "selectors", "pod", "why"),
    [
        ({"node_selector": "env=prod"}, {}, {"env": "dev"}, "conflicts with its namespace node label selector"),
        ({}, {"prod": "env=prod"}, {"env": "dev"}, "labels conflict with its namespace whitelist"),
        ({"node_selector": "env"}, {}, {}, "invalid selector: env"),
    ],
)
async def test_and_nowhere_else(
    annotations: dict[str, str], selectors: dict[str, str], pod: dict[str, str], why: str
) -> None:
    plugin = PodNodeSelector(FakeReader(a_namespace(**annotations)), selectors)
    assert why in await refusal(plugin, attributes(CREATE, "pods", a_pod(nodeSelector=pod)))


TOLERATED: Document = {"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"}
TOLERATION = Toleration(key="team", operator="Equal", value="a", effect="NoSchedule")


async def test_pods_tolerate_what_their_namespace_does() -> None:
    settings = TolerationSettings(default=(TOLERATION,))
    assert (await mutated(PodTolerationRestriction(FakeReader(a_namespace()), settings), a_pod()))["tolerations"] == [
        TOLERATED
    ]
    own = a_namespace(defaultTolerations='[{"key": "mine", "operator": "Exists"}]')
    spec = await mutated(PodTolerationRestriction(FakeReader(own), settings), a_pod(tolerations=[TOLERATED]))
    assert [one["key"] for one in spec["tolerations"]] == ["mine", "team"]
    none = a_namespace(defaultTolerations="")
    assert "tolerations" not in await mutated(PodTolerationRestriction(FakeReader(none), settings), a_pod())


async def test_a_pod_that_says_what_it_uses_may_stay_where_memory_is_short() -> None:
    pod = a_pod(containers=[{"name": "a", "resources": {"requests": {"cpu": "1"}}}])
    spec = await mutated(PodTolerationRestriction(FakeReader(a_namespace()), TolerationSettings()), pod)
    assert [one["key"] for one in spec["tolerations"]] == ["node.kubernetes.io/memory-pressure"]


@pytest.mark.parametrize(
    ("namespace", "settings", "whose"),
    [
        (a_namespace(tolerationsWhitelist='[{"key": "x", "operator": "Exists"}]'), TolerationSettings(), "namespace"),
        (a_namespace(), TolerationSettings(whitelist=(Toleration(key="x", operator="Exists"),)), "cluster"),
    ],
)
async def test_and_nothing_that_is_not_listed(namespace: Namespace, settings: TolerationSettings, whose: str) -> None:
    plugin = PodTolerationRestriction(FakeReader(namespace), settings)
    request = attributes(CREATE, "pods", a_pod(tolerations=[TOLERATED]))
    assert await refusal(plugin, request) == (
        f"pod tolerations (possibly merged with namespace default tolerations) conflict with its {whose} whitelist"
    )
    await mutated(plugin, a_pod(tolerations=[{"key": "x", "operator": "Exists", "effect": "NoSchedule"}]))


async def test_annotations_that_are_not_read() -> None:
    plugin = PodTolerationRestriction(FakeReader(a_namespace(defaultTolerations="{")), TolerationSettings())
    with pytest.raises(InternalError):
        await plugin.mutate(attributes(CREATE, "pods", a_pod()))


def an_event(user: str = "jane", namespace: str = "prod", component: str = "c") -> Attributes:
    event = {"metadata": {"name": "x"}, "source": {"component": component}, "involvedObject": {"kind": "Pod"}}
    return attributes(CREATE, "events", event, namespace=namespace, user=Someone(user))


@pytest.mark.parametrize(
    ("type_", "other", "key"),
    [
        ("Server", None, ""),
        ("Namespace", an_event(namespace="dev"), "prod"),
        ("User", an_event(user="joe"), "jane"),
        ("SourceAndObject", an_event(component="d"), "cPod"),
    ],
)
async def test_events_are_limited(type_: str, other: Attributes | None, key: str) -> None:
    clock = ManualClock()
    plugin = EventRateLimit([EventLimit(type_, qps=0.5, burst=2)], clock)
    await plugin.validate(an_event())
    await plugin.validate(an_event())
    with pytest.raises(TooManyRequests, match=f"^limit reached on type {type_} for key {key}$"):
        await plugin.validate(an_event())
    if other is not None:
        await plugin.validate(other)
    await clock.advance(2.0)
    await plugin.validate(an_event())


async def test_of_many_the_least_used_is_forgotten() -> None:
    plugin = EventRateLimit([EventLimit("Namespace", qps=0.1, burst=1, cache_size=1)], ManualClock())
    for namespace in ("a", "b", "a"):
        await plugin.validate(an_event(namespace=namespace))
    with pytest.raises(TooManyRequests):
        await plugin.validate(an_event(namespace="a"))


async def test_a_namespace_that_is_missing() -> None:
    reader = FakeReader(a_namespace())
    await NamespaceExists(reader, Eager()).validate(attributes(DELETE, "pods"))
    with pytest.raises(NotFound, match='namespaces "dev" not found'):
        await NamespaceExists(reader, Eager()).validate(attributes(DELETE, "pods", namespace="dev"))
    made: list[str] = []

    async def provide(name: str) -> None:
        made.append(name)

    plugin = NamespaceAutoProvision(reader, provide)
    await plugin.mutate(attributes(CREATE, "pods", a_pod()))
    await plugin.mutate(attributes(UPDATE, "pods", a_pod(), namespace="dev"))
    assert made == []
    await plugin.mutate(attributes(CREATE, "pods", a_pod(), namespace="dev"))
    assert made == ["dev"]


OWNER: Document = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u"}


def owned(*owners: Document) -> Document:
    return {"metadata": {"name": "x", "ownerReferences": list(owners)}, "spec": {}}


@pytest.mark.parametrize(
    ("may", "new", "old", "why"),
    [
        pytest.param(set(), owned(), None, "", id="no owners"),
        pytest.param(set(), owned(OWNER), owned(OWNER), "", id="the same owners"),
        pytest.param({"delete pods"}, owned(OWNER), None, "", id="may delete it"),
        pytest.param(
            set(), owned(OWNER), None, "cannot set an ownerRef on a resource you can't delete: no, <nil>", id="may not"
        ),
        pytest.param(
            {"delete pods", "update replicasets/finalizers"}, owned({**OWNER, "blockOwnerDeletion": True}), None, "",
            id="may hold up the owner",
        ),
        pytest.param(
            {"delete pods"}, owned({**OWNER, "blockOwnerDeletion": True}), owned(OWNER),
            "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "
            "no, <nil>",
            id="may not hold it up",
        ),
        pytest.param(
            {"delete pods"}, owned({**OWNER, "kind": "Odd", "blockOwnerDeletion": True}), None,
            "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion apps/v1 Kind "
            'Odd: no matches for kind "Odd" in version "apps/v1"',
            id="an owner of no kind",
        ),
    ],
)  # fmt: skip
async def test_owners(may: set[str], new: Document, old: Document | None, why: str) -> None:
    async def allowed(
        user: Caller, verb: str, resource: Resource, subresource: str, namespace: str, name: str
    ) -> tuple[bool, str]:
        asked = f"{verb} {resource.plural}" + (f"/{subresource}" if subresource else "")
        return asked in may, "no"

    plugin = OwnerReferencesPermissionEnforcement(allowed, lambda version, kind: BY_KIND.get((version, kind)))
    request = attributes(CREATE if old is None else UPDATE, "pods", new, old=old)
    if why:
        assert await refusal(plugin, request) == f'pods "x" is forbidden: {why}'
    else:
        await plugin.validate(request)
