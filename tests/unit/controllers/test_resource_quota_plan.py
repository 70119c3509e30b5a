"""Which kinds a quota is about, what its status says, and which changes leave more to others."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import (
    ConfigMap,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    Pod,
    PodStatus,
    ResourceQuota,
    ResourceQuotaSpec,
    ResourceQuotaStatus,
    Service,
    ServiceSpec,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.controllers.resourcequota.plan import (
    custom_kinds_of,
    gives_back,
    kinds_of,
    says_the_same,
    status,
)
from tests.unit.controllers.objects import NOW


def a_quota(used: dict[str, Any] | None = None, **hard: Any) -> ResourceQuota:
    return ResourceQuota(
        metadata=ObjectMeta(name="q", namespace="d"),
        spec=ResourceQuotaSpec(hard=hard),
        status=ResourceQuotaStatus(used=used or {}),
    )


def test_kinds() -> None:
    quota = a_quota(**{"requests.cpu": "1", "secrets": "1", "count/jobs.batch": "1", "count/widgets.example.com": "1"})
    assert {kind.__name__ for kind in kinds_of(quota)} == {"Pod", "Secret", "Job"}
    assert custom_kinds_of(quota) == [("example.com", "widgets")]


def test_the_status() -> None:
    quota = a_quota({"pods": "7", "secrets": "1", "gone": "1"}, pods="2000m", secrets="3")
    made = status(quota, [{"pods": "1"}, {"pods": "0"}])
    assert (made.hard, made.used) == ({"pods": "2", "secrets": "3"}, {"pods": "1", "secrets": "1"})
    assert says_the_same(made, replace(made, hard={"pods": 2, "secrets": "3"}))
    assert not says_the_same(made, replace(made, used={"pods": "2", "secrets": "1"}))
    assert not says_the_same(made, replace(made, used={"pods": "1"}))


META = ObjectMeta(name="x", namespace="d")
RUNNING, DONE = (Pod(metadata=META, status=PodStatus(phase=phase)) for phase in ("Running", "Succeeded"))
INSIDE, OUTSIDE = (Service(metadata=META, spec=ServiceSpec(type=type_)) for type_ in ("ClusterIP", "NodePort"))
CLAIM = PersistentVolumeClaim(metadata=META)
GROWN = replace(CLAIM, status=PersistentVolumeClaimStatus(phase="Bound"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, RUNNING, False),
        (RUNNING, RUNNING, False),
        (RUNNING, DONE, True),
        (DONE, DONE, False),
        (DONE, None, True),
        (OUTSIDE, INSIDE, True),
        (INSIDE, INSIDE, False),
        (CLAIM, GROWN, True),
        (ConfigMap(metadata=META), ConfigMap(metadata=META, data={"a": "b"}), False),
    ],
)
def test_what_gives_back(old: Any, new: Any, expected: bool) -> None:
    assert gives_back(old, new, NOW) is expected
