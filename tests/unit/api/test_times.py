"""What is read as a time, and how it is written."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.coordination_v1 import Lease
from controlplane.api.core_v1 import Event, Pod
from controlplane.api.times import TimeError, settle


@pytest.mark.parametrize(
    ("given", "written"),
    [
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", id="as it is written"),
        pytest.param("2026-01-01T01:30:00+01:30", "2026-01-01T00:00:00Z", id="of another zone"),
        pytest.param("2026-01-01T00:00:00.987Z", "2026-01-01T00:00:00Z", id="with a fraction"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_time(given: str | None, written: str | None) -> None:
    event = {"lastTimestamp": given}
    settle(event, Event)
    assert event == {"lastTimestamp": written}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        pytest.param("2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:00.123456Z", id="as it is written"),
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", id="without a fraction"),
        pytest.param("2026-01-01T01:00:00.5+01:00", "2026-01-01T00:00:00.500000Z", id="of another zone"),
    ],
)
def test_micro_time(given: str, written: str) -> None:
    lease = {"spec": {"renewTime": given}}
    settle(lease, Lease)
    assert lease == {"spec": {"renewTime": written}}


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-01-01", "20260101T000000Z", "2026-02-31T00:00:00Z", "2026-01-01T00:00:00",
             "0001-01-01T00:00:00+01:00", "2026-01-01T00:00:00Z\n", "\u0662026-01-01T00:00:00Z"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("type_", "shape"),
    [
        pytest.param(Pod, lambda text: {"metadata": {"creationTimestamp": text}}, id="metadata"),
        pytest.param(Pod, lambda text: {"status": {"conditions": [{}, {"lastTransitionTime": text}]}}, id="in a list"),
        pytest.param(Pod, lambda text: {"metadata": {"managedFields": [{"time": text}]}}, id="managed fields"),
        pytest.param(Lease, lambda text: {"spec": {"acquireTime": text}}, id="micro time"),
    ],
)
def test_what_is_no_time(type_: Any, shape: Any, text: str) -> None:
    with pytest.raises(TimeError, match="parsing time"):
        settle(shape(text), type_)
