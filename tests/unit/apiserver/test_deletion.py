"""What a DELETE does, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlplane.api.meta_v1 import DeleteOptions
from controlplane.apiserver.deletion import Outcome, plan_deletion, plan_namespace_deletion
from controlplane.kit.timestamps import format_time

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARKED: dict[str, Any] = {"deletionTimestamp": format_time(NOW), "deletionGracePeriodSeconds": 0}


def in_grace(seconds: int) -> dict[str, Any]:
    """Metadata of a pod whose deletion was asked for at NOW."""
    return {
        "deletionTimestamp": format_time(NOW + timedelta(seconds=seconds)),
        "deletionGracePeriodSeconds": seconds,
    }


@pytest.mark.parametrize(
    ("metadata", "grace", "policy", "outcome", "after"),
    [
        pytest.param({}, 0, "", Outcome.REMOVE, {}, id="nothing holds it"),
        pytest.param({}, 0, "Background", Outcome.REMOVE, {}, id="dependents follow"),
        pytest.param({}, 30, "", Outcome.MARK, in_grace(30), id="grace"),
        pytest.param(in_grace(30), 10, "", Outcome.MARK, in_grace(10), id="less grace"),
        pytest.param(in_grace(30), 60, "", Outcome.KEEP, in_grace(30), id="more grace is not given"),
        pytest.param(in_grace(30), 0, "", Outcome.REMOVE, in_grace(30), id="no more grace"),
        pytest.param({"finalizers": ["x/y"]}, 0, "", Outcome.MARK, {**MARKED, "finalizers": ["x/y"]}, id="a finalizer"),
        pytest.param(
            {**MARKED, "finalizers": ["x/y"]}, 0, "", Outcome.KEEP, {**MARKED, "finalizers": ["x/y"]}, id="again"
        ),
        pytest.param(
            {}, 0, "Foreground", Outcome.MARK, {**MARKED, "finalizers": ["foregroundDeletion"]}, id="dependents first"
        ),
        pytest.param({}, 0, "Orphan", Outcome.MARK, {**MARKED, "finalizers": ["orphan"]}, id="dependents stay"),
        pytest.param(
            {"finalizers": ["orphan"]}, 0, "Background", Outcome.REMOVE, {"finalizers": ["orphan"]}, id="overruled"
        ),
        pytest.param(
            {"finalizers": ["orphan"]}, 0, "", Outcome.MARK, {**MARKED, "finalizers": ["orphan"]}, id="as it says"
        ),
        pytest.param({"generation": 2}, 30, "", Outcome.MARK, {**in_grace(30), "generation": 3}, id="a new generation"),
    ],
)
def test_plan_deletion(metadata: Any, grace: int, policy: str, outcome: Outcome, after: Any) -> None:
    document = {"metadata": dict(metadata)}
    options = DeleteOptions(propagation_policy=policy)
    assert plan_deletion(document, grace, options, "Background", NOW) is outcome
    assert document["metadata"] == after


@pytest.mark.parametrize(
    ("finalizers", "metadata", "outcome"),
    [
        pytest.param(["kubernetes"], {}, Outcome.MARK, id="to be emptied"),
        pytest.param(["kubernetes"], MARKED, Outcome.KEEP, id="being emptied"),
        pytest.param([], MARKED, Outcome.REMOVE, id="empty"),
        pytest.param([], {}, Outcome.REMOVE, id="never held"),
    ],
)
def test_plan_namespace_deletion(finalizers: list[str], metadata: Any, outcome: Outcome) -> None:
    document = {"metadata": dict(metadata), "spec": {"finalizers": finalizers}, "status": {"phase": "Active"}}
    assert plan_namespace_deletion(document, NOW) is outcome
    assert (document["status"]["phase"] == "Terminating") is (outcome is Outcome.MARK)
