"""Passing names on."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodeagent.dns.forward import nameservers, resolv_conf_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("nameserver 192.0.2.1\nnameserver 192.0.2.2\n", ["192.0.2.1", "192.0.2.2"], id="in their order"),
        pytest.param("nameserver 10.96.0.10\nnameserver 192.0.2.1\n", ["192.0.2.1"], id="never ourselves"),
        pytest.param("# nameserver 192.0.2.1\nsearch x\nnameserver\n", [], id="comments and halves"),
        pytest.param("nameserver not-an-address\n", [], id="nonsense"),
        pytest.param("nameserver fe80::1%eth0\n", ["fe80::1"], id="a zone"),
    ],
)
def test_nameservers(text: str, expected: list[str]) -> None:
    assert nameservers(text, frozenset({"10.96.0.10"})) == expected


def test_the_real_servers_behind_systemds_stub(tmp_path: Path) -> None:
    stub, real = tmp_path / "resolv.conf", tmp_path / "systemd.conf"
    stub.write_text("nameserver 127.0.0.53\n")
    assert resolv_conf_of(stub, real) == stub
    real.write_text("nameserver 192.0.2.1\n")
    assert resolv_conf_of(stub, real) == real
