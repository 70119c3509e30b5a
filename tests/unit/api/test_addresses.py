"""What counts as an address, and in which words the others are refused."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.addresses import (
    canonical_cidr,
    canonical_ip,
    cidr_warnings,
    is_strictly_within,
    parse_cidr,
    strict_cidr,
    strict_ip,
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.0.0.1", []),
        ("2001:db8::1", []),
        ("2001:DB8:0::1", ['must be in canonical form ("2001:db8::1")']),
        ("010.0.0.1", ["must not have leading 0s"]),
        ("::ffff:1.2.3.4", ["must not be an IPv4-mapped IPv6 address"]),
        ("web", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
        ("fe80::1%eth0", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
    ],
)
def test_canonical_ip(text: str, why: list[str]) -> None:
    assert canonical_ip(text) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.0.0.0/8", []),
        ("0.0.0.0/0", []),
        ("10.0.0.1/8", ["must not have bits set beyond the prefix length"]),
        ("10.0.0.0/08", ["must not have leading 0s in IP or prefix length"]),
        ("010.0.0.0/8", ["must not have leading 0s in IP or prefix length"]),
        ("::ffff:10.0.0.0/104", ["must not have an IPv4-mapped IPv6 address"]),
        ("10.0.0.0", ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]),
        ("10.0.0.0/33", ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]),
        ("10.0.0.0/+8", ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]),
    ],
)
def test_strict_cidr(text: str, why: list[str]) -> None:
    assert strict_cidr(text) == why


def test_an_odd_spelling_is_accepted_with_a_warning() -> None:
    assert strict_cidr("2001:DB8::/32") == []
    assert canonical_cidr("2001:DB8::/32") == ['must be in canonical form ("2001:db8::/32")']
    assert cidr_warnings("p", "2001:DB8::/32") == [
        'p: IPv6 CIDR value "2001:DB8::/32" should be in RFC 5952 canonical format ("2001:db8::/32")'
    ]


@pytest.mark.parametrize(
    ("part", "whole", "within"),
    [("10.1.0.0/16", "10.0.0.0/8", True), ("10.0.0.0/8", "10.0.0.0/8", False), ("::/64", "10.0.0.0/8", False)],
)
def test_is_strictly_within(part: str, whole: str, within: bool) -> None:
    assert is_strictly_within(ipaddress.ip_network(part), ipaddress.ip_network(whole)) is within


@given(st.ip_addresses())
def test_addresses_are_their_own_canonical_form(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    assert bool(canonical_ip(str(address))) is mapped


@given(st.text(alphabet="0123456789abcdef.:/%-", max_size=24))
def test_any_text_is_judged(text: str) -> None:
    assert all(isinstance(why, str) for why in strict_ip(text) + strict_cidr(text))
    assert bool(strict_cidr(text)) or parse_cidr(text) is not None
