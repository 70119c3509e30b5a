"""What extension API servers are told to trust."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controlplane.apiserver.aggregation.trust import combined, trust_data
from controlplane.auth.request_header import RequestHeaderSettings, roots_of
from controlplane.pki.issue import new_authority

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = new_authority("old", NOW), new_authority("new", NOW)
GONE = new_authority("gone", NOW - timedelta(days=365 * 40))


def pem(*authorities: object) -> str:
    return "".join(one.certificate_pem.decode() for one in authorities)  # type: ignore[attr-defined]


def test_what_is_not_set_up_is_not_mentioned() -> None:
    assert trust_data(b"", None) == {}
    assert set(trust_data(NEW.certificate_pem, None)) == {"client-ca-file"}
    told = trust_data(b"", RequestHeaderSettings(NEW.certificate_pem, ("a", "b")))
    assert told["requestheader-allowed-names"] == '["a","b"]'


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        pytest.param("", {NEW.certificate_pem}, id="nothing there"),
        pytest.param(pem(OLD), {OLD.certificate_pem, NEW.certificate_pem}, id="another server's, or yesterday's"),
        pytest.param(pem(NEW), {NEW.certificate_pem}, id="ours already"),
        pytest.param(pem(GONE), {NEW.certificate_pem}, id="expired"),
        pytest.param("nonsense", {NEW.certificate_pem}, id="not readable"),
    ],
)
def test_authorities_add_up(there: str, kept: set[bytes]) -> None:
    found = combined({"client-ca-file": there, "other": "x"}, {"client-ca-file": pem(NEW)}, NOW)
    assert roots_of(found["client-ca-file"].encode()) == frozenset().union(*map(roots_of, kept))
    assert found["other"] == "x"
    assert combined(found, {"client-ca-file": pem(NEW)}, NOW) == found


@pytest.mark.parametrize(
    ("there", "names"),
    [
        pytest.param("", '["a"]', id="nothing there"),
        pytest.param('["b"]', '["b","a"]', id="somebody else's"),
        pytest.param('["a"]', '["a"]', id="ours already"),
        pytest.param("{", '["a"]', id="not readable"),
    ],
)
def test_names_add_up(there: str, names: str) -> None:
    key = "requestheader-allowed-names"
    assert combined({key: there}, {key: '["a"]'}, NOW) == {key: names}
