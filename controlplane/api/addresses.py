"""IP addresses and CIDRs as today's fields demand them: the one canonical text, nothing that programs read differently.

Old fields accept a text in any form that is unambiguous (`strict_ip`, `strict_cidr`), new ones and names only the
canonical one (`canonical_ip`, `canonical_cidr`). Each check returns why a text is refused, in upstream's words.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NOT_AN_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NOT_A_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_LEADING_ZERO = re.compile(r"(?<![0-9])0+(?=[0-9])")


def strict_ip(text: str) -> list[str]:
    address = _sloppy_ip(text)
    if address is None:
        return [_NOT_AN_IP]
    if _mapped(address) is not None:
        return ["must not be an IPv4-mapped IPv6 address"]
    return ["must not have leading 0s"] if address.version == 4 and _LEADING_ZERO.search(text) else []


def canonical_ip(text: str) -> list[str]:
    problems = strict_ip(text)
    if problems or (shown := str(_sloppy_ip(text))) == text:
        return problems
    return [f'must be in canonical form ("{shown}")']


def strict_cidr(text: str) -> list[str]:
    network = parse_cidr(text)
    if network is None:
        return [_NOT_A_CIDR]
    address, _, length = text.partition("/")
    if (network.version == 4 and _LEADING_ZERO.search(address)) or _LEADING_ZERO.search(length):
        return ["must not have leading 0s in IP or prefix length"]
    own = _sloppy_ip(address)
    if own is not None and _mapped(own) is not None:
        return ["must not have an IPv4-mapped IPv6 address"]
    return ["must not have bits set beyond the prefix length"] if own != network.network_address else []


def canonical_cidr(text: str) -> list[str]:
    problems = strict_cidr(text)
    if problems or (shown := str(parse_cidr(text))) == text:
        return problems
    return [f'must be in canonical form ("{shown}")']


def parse_cidr(text: str) -> Network | None:
    """Return the network that a text means, however oddly it is written; None if it means none."""
    address, slash, length = text.partition("/")
    own = _sloppy_ip(address)
    if own is None or not slash or not (length.isascii() and length.isdigit()) or int(length) > own.max_prefixlen:
        return None
    return ipaddress.ip_network((own, int(length)), strict=False)


def cidr_warnings(path: str, text: str) -> list[str]:
    """Return what a client should hear of a CIDR that is accepted but not canonical."""
    network = parse_cidr(text)
    if network is None or network.version == 4 or str(network) == text:
        return []
    return [f'{path}: IPv6 CIDR value "{text}" should be in RFC 5952 canonical format ("{network}")']


def _mapped(address: Address) -> ipaddress.IPv4Address | None:
    return address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None


def _sloppy_ip(text: str) -> Address | None:
    """Read an address with leading zeros as decimal, as upstream does; no zones."""
    if "%" in text:
        return None
    try:
        return ipaddress.ip_address(text if ":" in text else _LEADING_ZERO.sub("", text))
    except ValueError:
        return None


def is_strictly_within(part: Network, whole: Network) -> bool:
    """Return whether a network is a true part of another."""
    if isinstance(part, ipaddress.IPv4Network) and isinstance(whole, ipaddress.IPv4Network):
        return part != whole and part.subnet_of(whole)
    if isinstance(part, ipaddress.IPv6Network) and isinstance(whole, ipaddress.IPv6Network):
        return part != whole and part.subnet_of(whole)
    return False
