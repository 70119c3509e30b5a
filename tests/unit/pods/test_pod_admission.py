"""Whether a node takes a pod, and which others make room: tables of the verdicts, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Node, Pod
from nodeagent.pods.admission import admit
from nodeagent.pods.preemption import NoVictims, choose_victims

CRITICAL = 2_000_000_000


def a_pod(name: str = "p", requests: dict[str, Any] | None = None, **spec: Any) -> Pod:
    container = {"name": "c", "resources": {"requests": requests or {}}, "ports": spec.pop("ports", [])}
    meta = {"name": name, "uid": name, "labels": spec.pop("labels", {}), "annotations": spec.pop("annotations", {})}
    document = {"metadata": meta, "spec": {"containers": [container], **spec}}
    return from_document(document, Pod)


def a_node(taints: list[dict[str, str]] | None = None, **allocatable: Any) -> Node:
    offered = {"cpu": "2", "memory": "1Gi", "pods": "3", **allocatable}
    labels = {"kubernetes.io/os": "linux", "disk": "ssd", "generation": "7"}
    return from_document(
        {
            "metadata": {"name": "n1", "labels": labels},
            "spec": {"taints": taints or []},
            "status": {"allocatable": offered},
        },
        Node,
    )


def affinity(key: str, operator: str, *values: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def port(number: int, ip: str = "", protocol: str = "TCP") -> list[dict[str, Any]]:
    return [{"containerPort": 80, "hostPort": number, "hostIP": ip, "protocol": protocol}]


FULL = "Node didn't have enough resource: "
NO_EXECUTE = [{"key": "gone", "effect": "NoExecute"}]


@pytest.mark.parametrize(
    ("pod", "others", "node", "reason", "words"),
    [
        pytest.param(a_pod(), [], a_node(), "", "", id="asks for nothing"),
        pytest.param(a_pod(requests={"cpu": "2"}), [], a_node(), "", "", id="takes all there is"),
        pytest.param(
            a_pod(requests={"cpu": "1500m"}),
            [a_pod("o", {"cpu": "600m"})],
            a_node(),
            "OutOfcpu",
            f"{FULL}cpu, requested: 1500, used: 600, capacity: 2000",
            id="cpu",
        ),
        pytest.param(
            a_pod(requests={"memory": "2Gi", "cpu": "9"}, nodeSelector={"disk": "hdd"}),
            [],
            a_node(),
            "OutOfcpu",
            f"{FULL}cpu, requested: 9000, used: 0, capacity: 2000",
            id="the first of several reasons is said",
        ),
        pytest.param(
            a_pod(requests={"memory": "2Gi"}),
            [],
            a_node(),
            "OutOfmemory",
            f"{FULL}memory, requested: 2147483648, used: 0, capacity: 1073741824",
            id="memory",
        ),
        pytest.param(
            a_pod(resources={"requests": {"memory": "2Gi"}}),
            [],
            a_node(),
            "OutOfmemory",
            f"{FULL}memory, requested: 2147483648, used: 0, capacity: 1073741824",
            id="memory said for the pod as a whole",
        ),
        pytest.param(
            a_pod(),
            [a_pod("a"), a_pod("b"), a_pod("c")],
            a_node(),
            "OutOfpods",
            f"{FULL}pods, requested: 1, used: 3, capacity: 3",
            id="places",
        ),
        pytest.param(
            a_pod(requests={"example.com/gpu": "2"}),
            [a_pod("o", {"example.com/gpu": "1"})],
            a_node(**{"example.com/gpu": "2"}),
            "OutOfexample.com/gpu",
            f"{FULL}example.com/gpu, requested: 2, used: 1, capacity: 2",
            id="a device",
        ),
        pytest.param(
            a_pod(requests={"example.com/licence": "2"}), [], a_node(), "", "", id="what the node knows nothing of"
        ),
        pytest.param(
            a_pod(nodeSelector={"disk": "hdd"}),
            [],
            a_node(),
            "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
            id="node selector",
        ),
        pytest.param(
            a_pod(affinity=affinity("disk", "NotIn", "ssd")),
            [],
            a_node(),
            "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
            id="required node affinity",
        ),
        pytest.param(a_pod(affinity=affinity("generation", "Gt", "6")), [], a_node(), "", "", id="affinity that holds"),
        pytest.param(
            a_pod(nodeName="n2"),
            [],
            a_node(),
            "NodeName",
            "Predicate NodeName failed: node(s) didn't match the requested node name",
            id="another node's name",
        ),
        pytest.param(
            a_pod(ports=port(80)),
            [a_pod("o", ports=port(80, "10.0.0.1"))],
            a_node(),
            "NodePorts",
            "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
            id="a port on every address, taken on one",
        ),
        pytest.param(
            a_pod(ports=port(80, "10.0.0.2")), [a_pod("o", ports=port(80, "10.0.0.1"))], a_node(), "", "", id="two IPs"
        ),
        pytest.param(
            a_pod(ports=port(80, protocol="UDP")), [a_pod("o", ports=port(80))], a_node(), "", "", id="two protocols"
        ),
        pytest.param(
            a_pod(),
            [],
            a_node(NO_EXECUTE),
            "TaintToleration",
            "Predicate TaintToleration failed: node(s) had untolerated taint(s)",
            id="a taint that ends pods",
        ),
        pytest.param(
            a_pod(tolerations=[{"operator": "Exists"}]), [], a_node(NO_EXECUTE), "", "", id="a taint it tolerates"
        ),
        pytest.param(
            a_pod(annotations={"kubernetes.io/config.source": "file"}),
            [],
            a_node(NO_EXECUTE),
            "",
            "",
            id="a taint means no static pods",
        ),
        pytest.param(
            a_pod(), [], a_node([{"key": "k", "effect": "NoSchedule"}]), "", "", id="a taint for the scheduler only"
        ),
        pytest.param(
            a_pod(os={"name": "windows"}),
            [],
            a_node(),
            "PodOSNotSupported",
            "Failed to admit pod as the OS field doesn't match node OS",
            id="another operating system",
        ),
        pytest.param(
            a_pod(labels={"kubernetes.io/os": "windows"}),
            [],
            a_node(),
            "PodOSSelectorNodeLabelDoesNotMatch",
            "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
            id="another operating system by label",
        ),
        pytest.param(
            a_pod(securityContext={"supplementalGroupsPolicy": "Strict"}),
            [],
            a_node(),
            "SupplementalGroupsPolicyNotSupported",
            "SupplementalGroupsPolicy=Strict is not supported in this node",
            id="groups that the runtime cannot keep out",
        ),
        pytest.param(
            a_pod(requests={"cpu": "2"}, priority=CRITICAL, nodeSelector={"disk": "hdd"}),
            [a_pod("o", {"cpu": "1"})],
            a_node(),
            "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
            id="no room is made for a critical pod that cannot run here anyway",
        ),
        pytest.param(
            a_pod(requests={"cpu": "3"}, priority=CRITICAL),
            [a_pod("o", {"cpu": "1"})],
            a_node(),
            "UnexpectedAdmissionError",
            "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of "
            "pods to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 1000)]",
            id="more than there could be",
        ),
    ],
)
def test_admit(pod: Pod, others: list[Pod], node: Node, reason: str, words: str) -> None:
    refusal = admit(pod, node, others).refusal
    assert (refusal.reason, refusal.message) == (reason, f"Pod was rejected: {words}") if refusal else not reason


def test_a_critical_pod_is_admitted_at_the_expense_of_another() -> None:
    other = a_pod("o", {"cpu": "1"})
    admission = admit(a_pod(requests={"cpu": "1500m"}, priority=CRITICAL), a_node(), [other])
    assert (admission.refusal, admission.victims) == (None, (other,))


BEST, SMALL, LARGE = a_pod("best"), a_pod("small", {"cpu": "200m"}), a_pod("large", {"cpu": "1", "memory": "1Gi"})


def guaranteed(name: str, cpu: str) -> Pod:
    amounts = {"cpu": cpu, "memory": "1Mi"}
    container = {"name": "c", "resources": {"limits": amounts, "requests": amounts}}
    return from_document({"metadata": {"name": name, "uid": name}, "spec": {"containers": [container]}}, Pod)


@pytest.mark.parametrize(
    ("present", "missing", "victims"),
    [
        pytest.param([BEST, SMALL], {"pods": 1}, ["best"], id="a place: who was promised nothing"),
        pytest.param([SMALL, LARGE], {"cpu": 100}, ["small"], id="one is enough: the smaller"),
        pytest.param([SMALL, LARGE], {"cpu": 500}, ["large"], id="the one that gives enough alone"),
        pytest.param([SMALL, LARGE], {"cpu": 1100}, ["large", "small"], id="both"),
        pytest.param([guaranteed("g", "1"), SMALL], {"cpu": 200}, ["small"], id="a guaranteed one stays"),
        pytest.param([guaranteed("g", "1"), SMALL], {"cpu": 900}, ["g"], id="unless the others are not enough"),
        pytest.param([SMALL, a_pod("vip", {"cpu": "1"}, priority=CRITICAL)], {"cpu": 100}, ["small"], id="equals stay"),
    ],
)
def test_choose_victims(present: list[Pod], missing: dict[str, int], victims: list[str]) -> None:
    chosen = choose_victims(a_pod("critical", priority=CRITICAL), present, missing)
    assert [one.metadata.name for one in chosen] == victims


def test_nobody_is_ended_in_vain() -> None:
    with pytest.raises(NoVictims):
        choose_victims(a_pod("critical", priority=CRITICAL), [SMALL], {"cpu": 500})
