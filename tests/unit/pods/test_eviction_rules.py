"""Eviction, decided purely: thresholds, whose turn it is, which local storage is too much, and the words."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.core_v1 import (
    Container,
    EmptyDirVolumeSource,
    Pod,
    PodSpec,
    ResourceRequirements,
    Toleration,
    Volume,
)
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.kernel.headroom import Used
from nodeagent.pods import names
from nodeagent.pods.eviction.limits import excess, has_limits
from nodeagent.pods.eviction.rank import ContainerUse, PodUse, is_critical, rank
from nodeagent.pods.eviction.refusal import refuse
from nodeagent.pods.eviction.thresholds import (
    BadThreshold,
    Decision,
    Limit,
    Memory,
    Observation,
    Settings,
    Signal,
    Threshold,
    decide,
    hard_limits,
    parse_settings,
    with_pod_memory,
)
from nodeagent.pods.eviction.words import eviction_message

MIB, GIB = 2**20, 2**30

# Settings


def test_the_defaults_are_upstreams() -> None:
    found = {(one.signal.value, one.limit.amount, one.limit.share) for one in parse_settings().thresholds}
    assert found == {
        ("memory.available", 100 * MIB, None),
        ("nodefs.available", 0, 0.1),
        ("nodefs.inodesFree", 0, 0.05),
        ("imagefs.available", 0, 0.15),
        ("imagefs.inodesFree", 0, 0.05),
    }


def test_soft_thresholds_have_a_grace_period_and_minimum_reclaims() -> None:
    settings = parse_settings(
        "memory.available<5%",
        "memory.available<1Gi, nodefs.available<20%",
        "memory.available=1m30s,nodefs.available=2m",
        "memory.available=500Mi",
        60,
        "30s",
    )
    assert settings == Settings(
        (
            Threshold(Signal.MEMORY, Limit(share=0.05), reclaim=Limit(500 * MIB)),
            Threshold(Signal.MEMORY, Limit(GIB), 90, Limit(500 * MIB), soft=True),
            Threshold(Signal.NODE_DISK, Limit(share=0.2), 120, soft=True),
        ),
        60,
        30,
    )


@pytest.mark.parametrize("text", ["", "memory.available<0%", "memory.available<100%"])
def test_what_is_not_looked_at(text: str) -> None:
    assert parse_settings(text).thresholds == ()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        pytest.param({"hard": "memory<1Gi"}, "no signal 'memory'", id="an unknown signal"),
        pytest.param({"hard": "memory.available>1Gi"}, "expected SIGNAL<VALUE", id="another operator"),
        pytest.param({"hard": "memory.available<"}, "expected SIGNAL<VALUE", id="no value"),
        pytest.param({"hard": "memory.available<lots"}, "'lots'", id="no quantity"),
        pytest.param({"hard": "memory.available<0"}, "must be positive", id="nothing"),
        pytest.param({"hard": "memory.available<-1Gi"}, "must be positive", id="less than nothing"),
        pytest.param({"hard": "nodefs.available<110%"}, "between 0% and 100%", id="more than everything"),
        pytest.param({"hard": "nodefs.available<x%"}, "not a percentage", id="no percentage"),
        pytest.param({"hard": "memory.available<1Gi,memory.available<2Gi"}, "set twice", id="said twice"),
        pytest.param({"soft": "memory.available<1Gi"}, "needs a grace period", id="soft without grace"),
        pytest.param({"soft_grace": "memory.available=-1s"}, "is not a duration", id="a negative grace period"),
        pytest.param({"soft_grace": "memory.available=0s"}, "must be positive", id="no grace period"),
        pytest.param({"minimum_reclaim": "memory.available=-1"}, "at least 0", id="a negative reclaim"),
        pytest.param({"transition": "soon"}, "transition period", id="no duration"),
    ],
)
def test_bad_settings_are_refused_with_the_reason(settings: dict[str, str], why: str) -> None:
    with pytest.raises(BadThreshold, match=why):
        parse_settings(**settings)  # type: ignore[arg-type]


def test_hard_thresholds_are_kept_from_pods() -> None:
    thresholds = parse_settings(soft="memory.available<2Gi", soft_grace="memory.available=1m").thresholds
    kept = hard_limits(thresholds, {"memory": 8 * GIB, "ephemeral-storage": 100 * GIB})
    assert kept == {"memory": 100 * MIB, "ephemeral-storage": 10 * GIB}


def test_where_memory_is_reserved_pods_have_a_limit_of_their_own() -> None:
    settings = parse_settings("memory.available<5%", "memory.available<1Gi", "memory.available=1m")
    more = with_pod_memory(settings).thresholds[len(settings.thresholds) :]
    assert more == (Threshold(Signal.POD_MEMORY, Limit(share=0.05)),)


# Decisions

HARD = Threshold(Signal.MEMORY, Limit(100 * MIB), reclaim=Limit(50 * MIB))
SOFT = Threshold(Signal.MEMORY, Limit(200 * MIB), grace=60, soft=True)
DISK = Threshold(Signal.NODE_DISK, Limit(share=0.1))


def story(settings: Settings, *steps: tuple[float, Signal, int]) -> list[Decision]:
    """Decide at each moment, with so much available of something of which there is 1 GiB."""
    memory, told = Memory(), []
    for now, signal, available in steps:
        decided = decide(settings, {signal: Observation(available, GIB)}, memory, now)
        memory = decided.memory
        told.append(decided)
    return told


@pytest.mark.parametrize(
    ("threshold", "steps", "acts"),
    [
        pytest.param(HARD, [(0, 100 * MIB), (10, 99 * MIB)], [False, True], id="hard: at once, below but not at it"),
        pytest.param(
            HARD,
            [(0, 99 * MIB), (10, 149 * MIB), (20, 150 * MIB), (30, 149 * MIB)],
            [True, True, False, False],
            id="until the minimum reclaim is free too",
        ),
        pytest.param(
            SOFT, [(0, 199 * MIB), (50, 199 * MIB), (60, 199 * MIB)], [False, False, True], id="soft: after its grace"
        ),
        pytest.param(
            SOFT,
            [(0, 199 * MIB), (50, 200 * MIB), (60, 199 * MIB), (110, 199 * MIB), (120, 199 * MIB)],
            [False, False, False, False, True],
            id="soft: the grace starts anew",
        ),
    ],
)
def test_when_a_threshold_is_acted_on(threshold: Threshold, steps: list[tuple[float, int]], acts: list[bool]) -> None:
    told = story(Settings((threshold,)), *((now, Signal.MEMORY, left) for now, left in steps))
    assert [bool(one.act_on) for one in told] == acts


def test_a_condition_outlives_its_cause_by_the_transition_period() -> None:
    told = story(
        Settings((SOFT,), transition=300),
        (0, Signal.MEMORY, GIB),
        (10, Signal.MEMORY, 199 * MIB),  # although its grace period has not passed
        (20, Signal.MEMORY, GIB),
        (309, Signal.MEMORY, GIB),
        (310, Signal.MEMORY, GIB),
    )
    assert [sorted(one.conditions) for one in told] == [[], *[["MemoryPressure"]] * 3, []]


@pytest.mark.parametrize(
    ("signal", "condition"),
    [
        (Signal.MEMORY, "MemoryPressure"),
        (Signal.POD_MEMORY, "MemoryPressure"),
        (Signal.NODE_DISK, "DiskPressure"),
        (Signal.NODE_INODES, "DiskPressure"),
        (Signal.IMAGE_DISK, "DiskPressure"),
        (Signal.IMAGE_INODES, "DiskPressure"),
        (Signal.PIDS, "PIDPressure"),
    ],
)
def test_the_condition_of_each_signal(signal: Signal, condition: str) -> None:
    told = story(Settings((Threshold(signal, Limit(10)),)), (0, signal, 9))
    assert told[0].conditions == {condition}


def test_memory_comes_before_disk_and_what_is_unknown_is_no_shortage() -> None:
    low = {Signal.MEMORY: Observation(0, GIB), Signal.NODE_DISK: Observation(0, GIB)}
    decided = decide(Settings((DISK, SOFT, HARD, Threshold(Signal.PIDS, Limit(10)))), low, Memory(), 0)
    assert decided.act_on == (HARD, DISK)


# Whose turn it is


def a_pod(name: str, *, priority: int = 0, requests: dict[str, str] | None = None, **spec: Any) -> Pod:
    resources = ResourceRequirements(requests=requests or {}, limits=spec.pop("limits", {}))
    container = Container(name="c", image="x:1", resources=resources)
    meta = ObjectMeta(name=name, namespace="d", uid=name, annotations=spec.pop("annotations", {}))
    return Pod(metadata=meta, spec=PodSpec(containers=[container], priority=priority, **spec))


def memory(amount: int) -> PodUse:
    return PodUse((ContainerUse("c", memory=amount),))


def test_ranking_for_memory() -> None:
    pods = {
        "unknown": (a_pod("unknown", priority=9), None),
        "over, low priority": (a_pod("over, low priority"), memory(10)),
        "over by more": (a_pod("over by more", priority=5, requests={"memory": "10"}), memory(50)),
        "over by less": (a_pod("over by less", priority=5, requests={"memory": "90"}), memory(100)),
        "within, low priority": (a_pod("within, low priority", requests={"memory": "1Gi"}), memory(GIB)),
        "within": (a_pod("within", priority=7, requests={"memory": "2Gi"}), memory(GIB)),
    }
    uses = {name: use for name, (_, use) in pods.items() if use is not None}
    shuffled = [pods[name][0] for name in sorted(pods, reverse=True)]
    for signal in (Signal.MEMORY, Signal.POD_MEMORY):
        assert [one.metadata.name for one in rank(signal, shuffled, uses, one_disk=True)] == list(pods)


LAYER = PodUse((ContainerUse("c", layer=Used(100, 1)),))
FILES = PodUse((ContainerUse("c", logs=Used(30, 1)),), {"data": Used(40, 50)})


@pytest.mark.parametrize(
    ("signal", "one_disk", "first"),
    [
        pytest.param(Signal.NODE_DISK, True, "layer", id="one disk: everything counts"),
        pytest.param(Signal.NODE_DISK, False, "files", id="two: logs and volumes for the node's"),
        pytest.param(Signal.IMAGE_DISK, False, "layer", id="two: layers for that of images"),
        pytest.param(Signal.NODE_INODES, True, "files", id="inodes"),
    ],
)
def test_ranking_for_disk(signal: Signal, one_disk: bool, first: str) -> None:
    pods = [a_pod("files"), a_pod("layer")]
    assert rank(signal, pods, {"files": FILES, "layer": LAYER}, one_disk=one_disk)[0].metadata.name == first


def test_ranking_for_process_ids_is_by_priority_and_number() -> None:
    pods = [a_pod("few"), a_pod("many"), a_pod("important", priority=1)]
    uses = {"few": PodUse(pids=1), "many": PodUse(pids=9), "important": PodUse(pids=99)}
    assert [one.metadata.name for one in rank(Signal.PIDS, pods, uses, one_disk=True)] == ["many", "few", "important"]


@pytest.mark.parametrize(
    ("pod", "critical"),
    [
        pytest.param(a_pod("x"), False, id="any"),
        pytest.param(a_pod("x", priority=1_999_999_999), False, id="important"),
        pytest.param(a_pod("x", priority=2_000_000_000), True, id="critical to the cluster"),
        pytest.param(a_pod("x", annotations={names.CONFIG_SOURCE: "file"}), True, id="static"),
        pytest.param(a_pod("x", annotations={names.CONFIG_MIRROR: "y"}), True, id="a mirror"),
    ],
)
def test_critical(pod: Pod, critical: bool) -> None:
    assert is_critical(pod) is critical


# Words


def test_the_message_names_who_uses_more_than_it_asked_for() -> None:
    pod = a_pod("x", requests={"memory": "64Mi"})
    use = PodUse((ContainerUse("c", memory=80 * MIB), ContainerUse("sidecar-of-old", memory=GIB)))
    observed = Observation(50 * MIB + 1024, GIB)
    assert eviction_message(pod, HARD, observed, use) == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 51201Ki. "
        "Container c was using 80Mi, request is 64Mi, has larger consumption of memory. "
    )


def test_the_message_of_a_share_shows_the_amount() -> None:
    message = eviction_message(a_pod("x"), DISK, Observation(GIB // 20, GIB), FILES)
    assert message == (
        "The node was low on resource: ephemeral-storage. Threshold quantity: 107374182, available: 53687091. "
        "Container c was using 30, request is 0, has larger consumption of ephemeral-storage. "
    )


# Local storage


def with_volume(limit: str, medium: str = "", **container: Any) -> Pod:
    source = EmptyDirVolumeSource(size_limit=limit or None, medium=medium)
    return a_pod("x", volumes=[Volume(name="data", empty_dir=source)], **container)


def used(volume: int = 0, layer: int = 0, logs: int = 0, *, in_memory: bool = False) -> PodUse:
    container, volumes = ContainerUse("c", 0, Used(layer), Used(logs)), {"data": Used(volume)}
    return PodUse((container,), {} if in_memory else volumes, volumes if in_memory else {})


@pytest.mark.parametrize(
    ("pod", "use", "message"),
    [
        pytest.param(with_volume("1Ki"), used(volume=1024), "", id="a full volume"),
        pytest.param(
            with_volume("1Ki"), used(volume=1025), 'Usage of EmptyDir volume "data" exceeds the limit "1Ki". ',
            id="one more byte",
        ),
        pytest.param(
            with_volume("1Ki", "Memory"), used(volume=1025, in_memory=True),
            'Usage of EmptyDir volume "data" exceeds the limit "1Ki". ', id="in memory",
        ),
        pytest.param(with_volume("", limits={"ephemeral-storage": "1Ki"}), used(500, 300, 200), "", id="all in all"),
        pytest.param(
            with_volume("", limits={"ephemeral-storage": "1Ki"}), used(500, 300, 300),
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ", id="too much in all",
        ),
        pytest.param(
            with_volume("", limits={"ephemeral-storage": "1Ki"}, overhead={"ephemeral-storage": "1Ki"}),
            used(0, 800, 300), 'Container c exceeded its local ephemeral storage limit "1Ki". ', id="one container",
        ),
        pytest.param(with_volume(""), used(GIB, GIB, GIB), "", id="no limit"),
    ],
)  # fmt: skip
def test_local_storage(pod: Pod, use: PodUse, message: str) -> None:
    found = excess(pod, use, one_disk=True)
    assert (found.message if found else "") == message
    assert has_limits(pod) or not message


def test_a_layer_on_another_disk_is_not_local_storage() -> None:
    pod = with_volume("", limits={"ephemeral-storage": "1Ki"})
    assert excess(pod, used(layer=2000), one_disk=False) is None


# Admission

BURSTABLE = {"requests": {"memory": "1Mi"}}


@pytest.mark.parametrize(
    ("pod", "pressures", "admitted"),
    [
        pytest.param(a_pod("x"), (), True, id="no pressure"),
        pytest.param(a_pod("x"), ("MemoryPressure",), False, id="memory: best effort"),
        pytest.param(a_pod("x", **BURSTABLE), ("MemoryPressure",), True, id="memory: others"),
        pytest.param(
            a_pod("x", tolerations=[Toleration(key="node.kubernetes.io/memory-pressure", operator="Exists")]),
            ("MemoryPressure",), True, id="memory: best effort, but it bears it",
        ),
        pytest.param(
            a_pod("x", tolerations=[Toleration(key="node.kubernetes.io/memory-pressure", effect="NoExecute")]),
            ("MemoryPressure",), False, id="memory: best effort, and it bears something else",
        ),
        pytest.param(
            a_pod("x", tolerations=[Toleration(operator="Exists")]), ("MemoryPressure",), True, id="memory: bears all"
        ),
        pytest.param(a_pod("x", **BURSTABLE), ("DiskPressure",), False, id="disk: everybody"),
        pytest.param(a_pod("x", **BURSTABLE), ("DiskPressure", "MemoryPressure"), False, id="both"),
        pytest.param(a_pod("x", **BURSTABLE), ("PIDPressure",), False, id="process ids: everybody"),
        pytest.param(a_pod("x", priority=2_000_000_000), ("DiskPressure",), True, id="disk: but critical ones"),
    ],
)  # fmt: skip
def test_admission_under_pressure(pod: Pod, pressures: tuple[str, ...], admitted: bool) -> None:
    refusal = refuse(pod, pressures)
    assert (refusal is None) is admitted
    if refusal is not None:
        conditions = " ".join(sorted(pressures))
        message = f"Pod was rejected: The node had condition: [{conditions}]. "
        assert (refusal.reason, refusal.message) == ("Evicted", message)
