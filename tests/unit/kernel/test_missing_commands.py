"""A machine without iptables or conntrack: the rooms that need them hear their own kind of failure, and go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodeagent.kernel import conntrack, iptables
from nodeagent.kernel.iptables import Iptables, IptablesFailure, Jump, Variant


@pytest.fixture(autouse=True)
def no_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda tables: tables.restore("*nat\nCOMMIT\n"), id="restore"),
        pytest.param(lambda tables: tables.chains("nat"), id="chains"),
        pytest.param(lambda tables: tables.rule_count("nat", "KUBE-SERVICES"), id="rule count"),
        pytest.param(lambda tables: tables.ensure_jumps([Jump("nat", "OUTPUT", "X", "x")]), id="jumps"),
    ],
)
def test_no_iptables_is_a_failure_that_says_what_to_install(ask: object) -> None:
    with pytest.raises(IptablesFailure, match="apt-get install iptables"):
        ask(Iptables(Variant.NFT))  # type: ignore[operator]


def test_no_conntrack_is_a_failure_that_says_what_to_install() -> None:
    with pytest.raises(conntrack.ConntrackFailure, match="apt-get install conntrack"):
        conntrack.delete_udp(53)


def test_no_lock_file_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(iptables, "XTABLES_LOCK", tmp_path / "missing" / "xtables.lock")
    with pytest.raises(IptablesFailure, match=r"xtables\.lock"):
        Iptables(Variant.LEGACY).chains("nat")
