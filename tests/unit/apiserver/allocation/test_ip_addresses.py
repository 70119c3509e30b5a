"""Which addresses have to be looked at when a Service comes, changes and goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.core_v1 import Service, ServiceSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.allocation.ip_addresses import Owners, addresses_of, is_of, is_ours, new_address


def a_service(*addresses: str) -> Service:
    metadata = ObjectMeta(namespace="shop", name="web")
    return Service(metadata=metadata, spec=ServiceSpec(cluster_ips=list(addresses), cluster_ip=(*addresses, "")[0]))


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param(a_service("10.0.0.1", "fd00:0::1"), {"10.0.0.1", "fd00::1"}, id="dual stack, canonical"),
        pytest.param(a_service("None"), set(), id="headless"),
        pytest.param(a_service(), set(), id="an external name"),
    ],
)
def test_addresses_of(service: Service, expected: set[str]) -> None:
    assert addresses_of(service) == expected


def test_only_what_changed_is_looked_at() -> None:
    owners = Owners()
    assert owners.note("shop/web", a_service("10.0.0.1")) == {"10.0.0.1"}
    assert owners.note("shop/web", a_service("10.0.0.1")) == set()
    assert owners.note("shop/web", a_service("10.0.0.1", "fd00::1")) == {"fd00::1"}
    assert owners.note("shop/web", None) == {"10.0.0.1", "fd00::1"}
    assert (owners.of_address, owners.of_service) == ({}, {})


def test_an_address_that_passed_on_stays_with_its_new_owner() -> None:
    owners = Owners()
    owners.note("shop/old", a_service("10.0.0.1"))
    owners.note("shop/new", a_service("10.0.0.1"))
    owners.note("shop/old", None)
    assert owners.of_address == {"10.0.0.1": "shop/new"}


def test_a_new_object_is_ours_and_of_its_owner() -> None:
    found = new_address("fd00::1", "shop/web")
    assert is_ours(found)
    assert is_of(found, "shop/web")
    assert not is_of(found, "")
    assert found.metadata.labels["ipaddress.kubernetes.io/ip-family"] == "IPv6"


@given(
    st.lists(
        st.tuples(st.sampled_from(["a/a", "b/b", "c/c"]), st.none() | st.sets(st.integers(1, 9), min_size=1)),
        max_size=20,
    )
)
def test_addresses_and_services_agree(changes: list[tuple[str, set[int] | None]]) -> None:
    owners, last = Owners(), dict[str, set[str]]()
    for key, numbers in changes:
        addresses = {f"10.0.0.{number}" for number in numbers or ()}
        owners.note(key, a_service(*sorted(addresses)) if numbers else None)
        last[key] = addresses
    assert owners.of_service == {key: addresses for key, addresses in last.items() if addresses}
    assert all(address in last[key] for address, key in owners.of_address.items())
