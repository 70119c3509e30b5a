"""Which UDP flows are forgotten."""

from __future__ import annotations

import pytest

from nodeagent.proxy.endpoints import Endpoint, Usable
from nodeagent.proxy.service_ports import PortName, ServicePort
from nodeagent.proxy.stale import Flow, Known, stale_flows

DNS, WEB = PortName("default", "dns", "", "UDP"), PortName("default", "web", "", "TCP")
ONE, TWO = Endpoint("10.244.1.7", 53), Endpoint("10.244.1.8", 53)


def known(*endpoints: Endpoint, node_port: int = 0) -> Known:
    return Known(ServicePort("10.96.0.30", 53, node_port=node_port), Usable(endpoints, endpoints))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({DNS: known(ONE)}, {DNS: known(ONE)}, [], id="nothing changed"),
        pytest.param(
            {DNS: known(ONE, TWO)}, {DNS: known(ONE)}, [Flow("10.96.0.30", 53, "10.244.1.8")], id="an endpoint went"
        ),
        pytest.param({}, {DNS: known(ONE)}, [Flow("10.96.0.30", 53)], id="the first endpoint came"),
        pytest.param(
            {DNS: known(node_port=30053)},
            {DNS: known(ONE, node_port=30053)},
            [Flow("", 30053), Flow("10.96.0.30", 53)],
            id="and on the node port",
        ),
        pytest.param({DNS: known(ONE)}, {}, [Flow("10.96.0.30", 53, "10.244.1.7")], id="the service went"),
        pytest.param({WEB: known(ONE)}, {}, [], id="TCP notices by itself"),
    ],
)
def test_stale_flows(old: dict[PortName, Known], new: dict[PortName, Known], expected: list[Flow]) -> None:
    assert stale_flows(old, new) == expected
