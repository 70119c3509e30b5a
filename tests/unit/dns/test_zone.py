"""What the cluster's names resolve to."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import EndpointSlice
from nodeagent.dns.message import Code, Question, Record, Type, decode_name, parse_name
from nodeagent.dns.zone import Zone


def a_service(name: str, **spec: Any) -> Service:
    return from_document({"metadata": {"name": name, "namespace": "default"}, "spec": spec}, Service)


def a_slice(service: str, *endpoints: dict[str, Any], port: int = 80) -> EndpointSlice:
    return from_document(
        {
            "metadata": {"name": service, "namespace": "default", "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "endpoints": list(endpoints),
            "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        },
        EndpointSlice,
    )


SERVICES = [
    a_service(
        "web",
        clusterIP="10.96.0.20",
        clusterIPs=["10.96.0.20"],
        ports=[{"name": "http", "port": 80, "protocol": "TCP"}],
    ),
    a_service("db", clusterIP="None", ports=[{"name": "http", "port": 80}]),
    a_service("gone", type="ExternalName", externalName="Example.com"),
    a_service("nobody", clusterIP="None"),
]
SLICES = [
    a_slice(
        "db",
        {"addresses": ["10.244.1.7"], "hostname": "db-0", "conditions": {"ready": True}},
        {"addresses": ["10.244.2.9"], "conditions": {"ready": True}},
        {"addresses": ["10.244.2.10"], "conditions": {"ready": False}},
        port=5432,
    )
]


class Directory:
    def service(self, namespace: str, name: str) -> Service | None:
        return next((one for one in SERVICES if (one.metadata.namespace, one.metadata.name) == (namespace, name)), None)

    def slices(self, namespace: str, service: str) -> Sequence[EndpointSlice]:
        return [one for one in SLICES if one.metadata.labels["kubernetes.io/service-name"] == service]

    def has_namespace(self, namespace: str) -> bool:
        return namespace == "default"

    def services_at(self, address: str) -> Sequence[Service]:
        return [one for one in SERVICES if address in one.spec.cluster_ips]

    def slices_at(self, address: str) -> Sequence[EndpointSlice]:
        return [one for one in SLICES if any(address in endpoint.addresses for endpoint in one.endpoints)]


ZONE = Zone("cluster.local", Directory())


def shown(record: Record) -> str:
    match record.type:
        case Type.A | Type.AAAA:
            return str(ip_address(record.data))
        case Type.CNAME | Type.PTR:
            return ".".join(decode_name(record.data, 0)[0])
        case Type.SRV:
            return f"{int.from_bytes(record.data[4:6])} {'.'.join(decode_name(record.data, 6)[0])}"
        case _:
            return record.data.decode("latin-1")


SVC = "default.svc.cluster.local"


@pytest.mark.parametrize(
    ("name", "type_", "code", "expected"),
    [
        pytest.param(f"web.{SVC}", Type.A, Code.NOERROR, ["10.96.0.20"], id="a ClusterIP"),
        pytest.param(f"WEB.{SVC}.", Type.A, Code.NOERROR, ["10.96.0.20"], id="names have no case"),
        pytest.param(f"web.{SVC}", Type.AAAA, Code.NOERROR, [], id="no IPv6 address: no data, but the name is there"),
        pytest.param(f"none.{SVC}", Type.A, Code.NXDOMAIN, [], id="no such service"),
        pytest.param("web.other.svc.cluster.local", Type.A, Code.NXDOMAIN, [], id="nor in another namespace"),
        pytest.param(f"db.{SVC}", Type.A, Code.NOERROR, ["10.244.1.7", "10.244.2.9"], id="headless: the ready ones"),
        pytest.param(f"db-0.db.{SVC}", Type.A, Code.NOERROR, ["10.244.1.7"], id="by hostname"),
        pytest.param(f"10-244-2-9.db.{SVC}", Type.A, Code.NOERROR, ["10.244.2.9"], id="without one, by address"),
        pytest.param(f"db-9.db.{SVC}", Type.A, Code.NXDOMAIN, [], id="no such hostname"),
        pytest.param(f"nobody.{SVC}", Type.A, Code.NOERROR, [], id="headless without endpoints"),
        pytest.param(f"gone.{SVC}", Type.A, Code.NOERROR, ["example.com"], id="ExternalName"),
        pytest.param(f"_http._tcp.web.{SVC}", Type.SRV, Code.NOERROR, [f"80 web.{SVC}"], id="SRV of a ClusterIP"),
        pytest.param(
            f"_http._tcp.db.{SVC}",
            Type.SRV,
            Code.NOERROR,
            [f"5432 10-244-2-9.db.{SVC}", f"5432 db-0.db.{SVC}"],
            id="SRV of a headless service names each endpoint",
        ),
        pytest.param(f"_https._tcp.web.{SVC}", Type.SRV, Code.NXDOMAIN, [], id="no such port"),
        pytest.param(
            "10-244-1-7.default.pod.cluster.local", Type.A, Code.NOERROR, ["10.244.1.7"], id="a pod's address"
        ),
        pytest.param("x.default.pod.cluster.local", Type.A, Code.NXDOMAIN, [], id="not an address"),
        pytest.param(SVC, Type.A, Code.NOERROR, [], id="a namespace is a name without data"),
        pytest.param("cluster.local", Type.A, Code.NOERROR, [], id="so is the zone"),
        pytest.param("x.cluster.local", Type.A, Code.NXDOMAIN, [], id="nothing else is in it"),
        pytest.param("dns-version.cluster.local", Type.TXT, Code.NOERROR, ["\x051.1.0"], id="the specification"),
        pytest.param("20.0.96.10.in-addr.arpa", Type.PTR, Code.NOERROR, [f"web.{SVC}"], id="reverse of a ClusterIP"),
        pytest.param("7.1.244.10.in-addr.arpa", Type.PTR, Code.NOERROR, [f"db-0.db.{SVC}"], id="of an endpoint"),
    ],
)
def test_answer(name: str, type_: Type, code: Code, expected: list[str]) -> None:
    answer = ZONE.answer(Question(parse_name(name), type_))
    assert answer is not None
    assert (answer.code, [shown(record) for record in answer.records]) == (code, expected)
    if not expected:
        assert [record.type for record in answer.authority] == [Type.SOA], "so that resolvers remember the absence"


@pytest.mark.parametrize("name", ["example.com", "local", "cluster.local.example.com", "9.9.9.9.in-addr.arpa"])
def test_other_names_are_somebody_elses(name: str) -> None:
    assert ZONE.answer(Question(parse_name(name), Type.PTR)) is None


def test_srv_brings_the_addresses_along() -> None:
    answer = ZONE.answer(Question(parse_name(f"_http._tcp.db.{SVC}"), Type.SRV))
    assert answer is not None
    assert sorted(shown(record) for record in answer.additional) == ["10.244.1.7", "10.244.2.9"]
