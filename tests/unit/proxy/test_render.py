"""Where packets to Services arrive."""

from __future__ import annotations

import pytest

from nodeagent.proxy.endpoints import Endpoint, usable
from nodeagent.proxy.render import NodeView, Ruleset, chain_name, render, render_service
from nodeagent.proxy.service_ports import PortName, ServicePort
from tests.fakes.packet_trace import Arrival, Packet, arrivals, trace

NAME = PortName("default", "web", "", "TCP")
HERE, THERE, LATE = Endpoint("10.244.1.7", 8080, local=True), Endpoint("10.244.2.9", 8080), Endpoint("10.244.3.1", 8080)
POD, NODE, OUTSIDE = "10.244.3.3", "192.168.56.11", "192.168.56.1"
DYING = Endpoint("10.244.1.8", 8080, ready=False, serving=True, terminating=True)
NOT_READY = Endpoint("10.244.1.9", 8080, ready=False, serving=False)


def ruleset(*endpoints: Endpoint, service: ServicePort, pod_cidr: str = "10.244.0.0/16") -> Ruleset:
    return render({NAME: render_service(NAME, service, usable(service, endpoints), NodeView(4, pod_cidr))})


def a_service(**changes: object) -> ServicePort:
    return ServicePort("10.96.0.20", 80, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("service", "endpoints", "packet", "expected"),
    [
        pytest.param(
            a_service(),
            (HERE, THERE),
            Packet(POD, "10.96.0.20", 80),
            {"10.244.1.7:8080", "10.244.2.9:8080"},
            id="a ClusterIP reaches every ready endpoint",
        ),
        pytest.param(a_service(), (HERE,), Packet(POD, "10.96.0.20", 81), {"10.96.0.20:81"}, id="not another port"),
        pytest.param(
            a_service(), (HERE,), Packet(POD, "10.96.0.20", 80, "udp"), {"10.96.0.20:80"}, id="not another protocol"
        ),
        pytest.param(a_service(), (), Packet(POD, "10.96.0.20", 80), {"REJECT"}, id="no endpoints: refused at once"),
        pytest.param(
            a_service(), (NOT_READY,), Packet(POD, "10.96.0.20", 80), {"REJECT"}, id="unready endpoints get nothing"
        ),
        pytest.param(
            a_service(),
            (DYING, NOT_READY),
            Packet(POD, "10.96.0.20", 80),
            {"10.244.1.8:8080"},
            id="the last ones serve while they terminate",
        ),
        pytest.param(
            a_service(),
            (HERE, DYING),
            Packet(POD, "10.96.0.20", 80),
            {"10.244.1.7:8080"},
            id="but not while another is ready",
        ),
        pytest.param(
            a_service(node_port=30080),
            (HERE, THERE),
            Packet(OUTSIDE, NODE, 30080),
            {"10.244.1.7:8080", "10.244.2.9:8080"},
            id="a NodePort reaches them too",
        ),
        pytest.param(
            a_service(node_port=30080), (), Packet(OUTSIDE, NODE, 30080), {"REJECT"}, id="a NodePort without endpoints"
        ),
        pytest.param(
            a_service(node_port=30080, external_local=True),
            (HERE, THERE),
            Packet(OUTSIDE, NODE, 30080),
            {"10.244.1.7:8080"},
            id="external Local: only this node's",
        ),
        pytest.param(
            a_service(node_port=30080, external_local=True),
            (THERE,),
            Packet(OUTSIDE, NODE, 30080),
            {"DROP"},
            id="external Local without any here: silence, for other nodes have some",
        ),
        pytest.param(
            a_service(node_port=30080, external_local=True),
            (HERE, THERE),
            Packet(NODE, NODE, 30080),
            {"10.244.1.7:8080", "10.244.2.9:8080"},
            id="external Local does not bind the node itself",
        ),
        pytest.param(
            a_service(internal_local=True),
            (HERE, THERE),
            Packet(POD, "10.96.0.20", 80),
            {"10.244.1.7:8080"},
            id="internal Local: only this node's",
        ),
        pytest.param(
            a_service(internal_local=True), (THERE,), Packet(POD, "10.96.0.20", 80), {"DROP"}, id="internal, none here"
        ),
        pytest.param(
            a_service(external_ips=("203.0.113.9",)),
            (THERE,),
            Packet(OUTSIDE, "203.0.113.9", 80),
            {"10.244.2.9:8080"},
            id="an external address",
        ),
    ],
)
def test_trace(service: ServicePort, endpoints: tuple[Endpoint, ...], packet: Packet, expected: set[str]) -> None:
    assert trace(ruleset(*endpoints, service=service), packet) == expected


def test_affinity_returns_to_the_endpoint_that_knows_the_client() -> None:
    service = a_service(affinity_seconds=10800)
    known = chain_name("KUBE-SEP-", NAME, str(THERE))
    packet = Packet(POD, "10.96.0.20", 80, seen_by=frozenset({known}))
    assert trace(ruleset(HERE, THERE, LATE, service=service), packet) == {"10.244.2.9:8080"}


@pytest.mark.parametrize(
    ("source", "destination", "port", "service", "expected"),
    [
        pytest.param(POD, "10.96.0.20", 80, a_service(), False, id="pod to pod keeps its address"),
        pytest.param(HERE.ip, "10.96.0.20", 80, a_service(), True, id="a pod that reaches itself (hairpin)"),
        pytest.param(NODE, "10.96.0.20", 80, a_service(), True, id="the node itself"),
        pytest.param(OUTSIDE, NODE, 30080, a_service(node_port=30080), True, id="from outside through a NodePort"),
        pytest.param(
            OUTSIDE,
            NODE,
            30080,
            a_service(node_port=30080, external_local=True),
            False,
            id="external Local keeps the client's address",
        ),
    ],
)
def test_masquerade(source: str, destination: str, port: int, service: ServicePort, expected: bool) -> None:
    found = arrivals(ruleset(HERE, service=service), Packet(source, destination, port))
    assert found == {Arrival("10.244.1.7:8080", masqueraded=expected)}


def test_equal_input_gives_equal_rules() -> None:
    assert ruleset(HERE, THERE, service=a_service()) == ruleset(HERE, THERE, service=a_service())


def test_every_endpoint_has_the_same_chance() -> None:
    chain = chain_name("KUBE-SVC-", NAME)
    rules = [rule for rule in ruleset(HERE, THERE, LATE, service=a_service()).nat[chain] if "KUBE-SEP" in rule]
    chances = [float(rule.split("--probability ")[1].split()[0]) for rule in rules if "--probability" in rule]
    assert chances == [pytest.approx(1 / 3), pytest.approx(1 / 2)]


def test_chain_names_are_upstreams() -> None:
    name = PortName("default", "kubernetes", "https", "TCP")
    assert chain_name("KUBE-SVC-", name) == "KUBE-SVC-NPX46M4PTMTKRN6Y"  # seen in every cluster's iptables-save
