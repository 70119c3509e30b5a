"""Answers for the cluster's own names, from Services and EndpointSlices: pure.

Source: the Kubernetes DNS-Based Service Discovery specification, version 1.1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol, TypeAlias

from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import Endpoint, EndpointSlice
from nodeagent.dns import message
from nodeagent.dns.message import Answer, Code, Name, Question, Record, Type

TTL = 5  # seconds: short, for endpoints come and go
VERSION = "1.1.0"

Address: TypeAlias = IPv4Address | IPv6Address


class Directory(Protocol):
    """Where the zone looks things up."""

    def service(self, namespace: str, name: str) -> Service | None: ...
    def slices(self, namespace: str, service: str) -> Sequence[EndpointSlice]: ...
    def has_namespace(self, namespace: str) -> bool: ...
    def services_at(self, address: str) -> Sequence[Service]: ...
    def slices_at(self, address: str) -> Sequence[EndpointSlice]: ...


@dataclass(frozen=True, slots=True)
class Instance:
    """One endpoint of a headless Service as DNS shows it."""

    name: Name  # its own name below the Service's
    address: Address
    ports: tuple[tuple[str, str, int], ...]  # name, protocol in lower case, number


class Zone:
    """The cluster domain and the reverse names of what is in it."""

    def __init__(self, domain: str, directory: Directory):
        self._zone = message.parse_name(domain)
        self._directory = directory
        self.domain = ".".join([*self._zone, ""])  # with the final dot, as metrics show it

    def answer(self, question: Question) -> Answer | None:
        """Return what to say, or None where the name is somebody else's."""
        if question.name[-len(self._zone) :] == self._zone:
            return self._forward(question)
        if question.name[-2:] in (("in-addr", "arpa"), ("ip6", "arpa")):
            return self._reverse(question)
        return None

    def _forward(self, question: Question) -> Answer:
        path = question.name[: -len(self._zone)]
        found = self._records(path, question)
        if found is None:
            return Answer(Code.NXDOMAIN, authority=[message.authority(self._zone, TTL)])
        wanted = [record for record in found if record.type in (question.type, Type.CNAME) or question.type == Type.ANY]
        if not wanted:  # the name is there, but has nothing of this type
            return Answer(authority=[message.authority(self._zone, TTL)])
        additional = list(self._glue(wanted)) if question.type == Type.SRV else []
        return Answer(records=wanted, additional=additional)

    def _records(self, path: Name, question: Question) -> list[Record] | None:
        """Everything there is at a name below the zone; None: there is no such name."""
        name = question.name
        match path:
            case ():
                return [message.authority(self._zone, TTL)]
            case ("dns-version",):
                return [message.text(name, VERSION, TTL)]
            case ("svc",) | ("pod",):
                return []
            case (namespace, "svc" | "pod"):
                return [] if self._directory.has_namespace(namespace) else None
            case (spelled, _, "pod"):
                ip = spelled_address(spelled)
                return None if ip is None else [message.address(name, ip, TTL)]
            case (*head, service_name, namespace, "svc"):
                service = self._directory.service(namespace, service_name)
                return None if service is None else self._service(name, tuple(head), service)
        return None

    def _service(self, name: Name, head: Name, service: Service) -> list[Record] | None:
        own = self._name_of(service)
        if service.spec.type == "ExternalName":
            return [message.alias(name, message.parse_name(service.spec.external_name), TTL)] if not head else None
        headless = service.spec.cluster_ip == "None"
        if not head:
            ips = self._instance_ips(service) if headless else _cluster_ips(service)
            everything = [message.address(name, ip, TTL) for ip in ips]
            return everything + [record for _, _, record in self._srv(name, own, service, headless)]
        if len(head) == 2 and head[0].startswith("_") and head[1].startswith("_"):
            wanted = (head[0][1:], head[1][1:])
            found = [
                record
                for port, protocol, record in self._srv(name, own, service, headless)
                if (port, protocol) == wanted
            ]
            return found or None
        if headless and len(head) == 1:
            mine = {instance.address for instance in self._instances(service) if instance.name == (*head, *own)}
            return [message.address(name, ip, TTL) for ip in sorted(mine, key=int)] or None
        return None

    def _srv(self, name: Name, own: Name, service: Service, headless: bool) -> Iterator[tuple[str, str, Record]]:
        """The SRV records of a Service with the port name and protocol each is for."""
        if not headless:
            for port in service.spec.ports:
                record = message.service(name, 0, 100, port.port or 0, own, TTL)
                yield port.name, (port.protocol or "TCP").lower(), record
            return
        instances = sorted({(one.name, one.ports) for one in self._instances(service)})
        for target, ports in instances:
            for port_name, protocol, number in ports:
                weight = max(1, 100 // len(instances))
                yield port_name, protocol, message.service(name, 0, weight, number, target, TTL)

    def _instances(self, service: Service) -> Iterator[Instance]:
        own = self._name_of(service)
        for one in self._directory.slices(service.metadata.namespace, service.metadata.name):
            if one.address_type == "FQDN":
                continue
            ports = tuple((port.name, (port.protocol or "TCP").lower(), port.port or 0) for port in one.ports)
            for endpoint in one.endpoints:
                if _ready(endpoint):
                    for address in endpoint.addresses:
                        ip = ip_address(address)
                        yield Instance((endpoint.hostname or dashed(ip), *own), ip, ports)

    def _instance_ips(self, service: Service) -> list[Address]:
        return sorted({instance.address for instance in self._instances(service)}, key=lambda ip: (ip.version, int(ip)))

    def _glue(self, records: Iterable[Record]) -> Iterator[Record]:
        """The addresses of SRV targets, so that the client need not ask again."""
        targets = dict.fromkeys(message.decode_name(record.data, 6)[0] for record in records if record.type == Type.SRV)
        for target in targets:
            found = self._records(target[: -len(self._zone)], Question(target, Type.A)) or []
            yield from (record for record in found if record.type in (Type.A, Type.AAAA))

    def _name_of(self, service: Service) -> Name:
        return (service.metadata.name, service.metadata.namespace, "svc", *self._zone)

    def _reverse(self, question: Question) -> Answer | None:
        ip = reverse_address(question.name)
        if ip is None or question.type not in (Type.PTR, Type.ANY):
            return None
        names = [self._name_of(service) for service in self._directory.services_at(str(ip))]
        for one in self._directory.slices_at(str(ip)) if not names else []:
            names += self._endpoint_names(one, ip)
        if not names:
            return None  # not ours: the node's resolver may know it
        return Answer(records=[message.alias(question.name, name, TTL, Type.PTR) for name in dict.fromkeys(names)])

    def _endpoint_names(self, one: EndpointSlice, ip: Address) -> Iterator[Name]:
        service = one.metadata.labels.get("kubernetes.io/service-name", "")
        for endpoint in one.endpoints:
            if service and str(ip) in endpoint.addresses:
                hostname = endpoint.hostname or dashed(ip)
                yield (hostname, service, one.metadata.namespace, "svc", *self._zone)


def _cluster_ips(service: Service) -> list[Address]:
    return [ip_address(ip) for ip in service.spec.cluster_ips or [service.spec.cluster_ip] if ip]


def _ready(endpoint: Endpoint) -> bool:
    return endpoint.conditions is None or endpoint.conditions.ready is not False


def dashed(ip: Address) -> str:
    """10.244.1.7 gives 10-244-1-7: an endpoint without a hostname needs some name for SRV to point at."""
    return str(ip).replace(".", "-").replace(":", "-")


def spelled_address(label: str) -> Address | None:
    """Return the address that a label spells with dashes."""
    for separator in (".", ":"):
        try:
            return ip_address(label.replace("-", separator))
        except ValueError:
            continue
    return None


def reverse_address(name: Name) -> Address | None:
    """Return the address of an in-addr.arpa or ip6.arpa name."""
    parts = name[:-2][::-1]
    try:
        if name[-2] == "in-addr":
            return IPv4Address(".".join(parts)) if len(parts) == 4 else None
        digits = "".join(parts)
        return IPv6Address(int(digits, 16)) if len(parts) == 32 and len(digits) == 32 else None
    except ValueError:
        return None
