"""IP addresses and CIDR blocks: `ip("10.0.0.1")`, `cidr("10.0.0.0/8").containsIP(...)`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from controlplane.cel import costs
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.types import BOOL, INT, STRING, Type

IP_TYPE, CIDR_TYPE = Type("net.IP"), Type("net.CIDR")
_WRONG = "network address parse error during conversion from string"  # upstream says it twice


@dataclass(frozen=True, slots=True)
class Ip:
    address: IPv4Address | IPv6Address
    cel_type: ClassVar[Type] = IP_TYPE

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class Cidr:
    address: IPv4Address | IPv6Address  # bits after the prefix are kept
    bits: int
    cel_type: ClassVar[Type] = CIDR_TYPE

    def __str__(self) -> str:
        return f"{self.address}/{self.bits}"

    @property
    def first(self) -> IPv4Address | IPv6Address:
        return ipaddress.ip_network((self.address, self.bits), strict=False).network_address

    def contains(self, address: IPv4Address | IPv6Address) -> bool:
        return address in ipaddress.ip_network((self.address, self.bits), strict=False)


def parse_ip(text: str) -> Ip:
    """Raises EvaluationError."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise EvaluationError(
            f'IP Address "{text}" parse error during conversion from string: ParseAddr("{text}"): unable to parse IP'
        ) from error
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        raise EvaluationError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    if "%" in text:
        raise EvaluationError(f'IP address "{text}" with zone value is not allowed')
    return Ip(address)


def parse_cidr(text: str) -> Cidr:
    """Raises EvaluationError."""
    before, slash, bits = text.rpartition("/")
    try:
        address = ipaddress.ip_address(before)
        if not slash or not bits.isascii() or not bits.isdigit() or (bits[0] == "0" and bits != "0") or "%" in before:
            raise ValueError
        if int(bits) > address.max_prefixlen:
            raise ValueError
    except ValueError as error:
        raise EvaluationError(f'{_WRONG}: {_WRONG}: netip.ParsePrefix("{text}"): invalid prefix') from error
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        raise EvaluationError(f'{_WRONG}: {_WRONG}: IPv4-mapped IPv6 address "{text}" is not allowed')
    return Cidr(address, int(bits))


def _holds(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            parse(text)
        except EvaluationError:
            return False
        return True

    return holds


def _link_local_multicast(ip: Ip) -> bool:
    if isinstance(ip.address, IPv4Address):
        return ip.address in ipaddress.ip_network("224.0.0.0/24")
    return ip.address.packed[0] == 0xFF and ip.address.packed[1] & 0x0F == 2


def _global_unicast(ip: Ip) -> bool:
    address = ip.address
    special = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not (special or str(address) == "255.255.255.255")


def _contains_cidr(outer: Cidr, inner: Cidr) -> bool:
    return outer.address.version == inner.address.version and outer.bits <= inner.bits and outer.contains(inner.first)


def add_to(functions: Functions) -> None:
    functions.knows(IP_TYPE, Ip)
    functions.knows(CIDR_TYPE, Cidr)
    add = functions.add
    add("ip", function(STRING, gives=IP_TYPE), parse_ip, costs.of_first)
    add("isIP", function(STRING, gives=BOOL), _holds(parse_ip), costs.of_first)
    add("ip.isCanonical", function(STRING, gives=BOOL), lambda text: str(parse_ip(text)) == text, costs.of_first)
    add("string", function(IP_TYPE, gives=STRING), str)
    add("family", method(IP_TYPE, gives=INT), lambda ip: ip.address.version)
    tests: dict[str, Callable[[Ip], bool]] = {
        "isUnspecified": lambda ip: ip.address.is_unspecified,
        "isLoopback": lambda ip: ip.address.is_loopback,
        "isLinkLocalMulticast": _link_local_multicast,
        "isLinkLocalUnicast": lambda ip: ip.address.is_link_local,
        "isGlobalUnicast": _global_unicast,
    }
    for name, test in tests.items():
        add(name, method(IP_TYPE, gives=BOOL), test)
    add("cidr", function(STRING, gives=CIDR_TYPE), parse_cidr, costs.of_first)
    add("isCIDR", function(STRING, gives=BOOL), _holds(parse_cidr), costs.of_first)
    add("string", function(CIDR_TYPE, gives=STRING), str)
    add("ip", method(CIDR_TYPE, gives=IP_TYPE), lambda cidr: Ip(cidr.address))
    add("prefixLength", method(CIDR_TYPE, gives=INT), lambda cidr: cidr.bits)
    add("masked", method(CIDR_TYPE, gives=CIDR_TYPE), lambda cidr: Cidr(cidr.first, cidr.bits))
    add("containsIP", method(CIDR_TYPE, IP_TYPE, gives=BOOL), lambda cidr, ip: cidr.contains(ip.address))
    add("containsIP", method(CIDR_TYPE, STRING, gives=BOOL), lambda cidr, text: cidr.contains(parse_ip(text).address))
    add("containsCIDR", method(CIDR_TYPE, CIDR_TYPE, gives=BOOL), _contains_cidr)
    add(
        "containsCIDR", method(CIDR_TYPE, STRING, gives=BOOL), lambda cidr, text: _contains_cidr(cidr, parse_cidr(text))
    )
