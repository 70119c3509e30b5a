"""kubectl get pods: READY, STATUS and RESTARTS for every state a pod can be in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from controlplane.api.core_v1 import Pod
from controlplane.api.resources import resource_of
from controlplane.apiserver.tables.render import render_table

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RUNNING = {"running": {}}


def container(name: str = "web", ready: bool = False, state: Any = None, restarts: int = 0, **more: Any) -> Any:
    return {"name": name, "ready": ready, "state": state or {}, "restartCount": restarts, **more}


def waiting(reason: str) -> Any:
    return {"waiting": {"reason": reason}}


def terminated(reason: str = "", code: int = 0, **more: Any) -> Any:
    return {"terminated": {"reason": reason, "exitCode": code, **more}}


def pod(*containers: Any, init: tuple[Any, ...] = (), sidecars: tuple[str, ...] = (), **status: Any) -> Any:
    return {
        "metadata": {"name": "web", "creationTimestamp": "2026-11-21T07:00:00Z", **status.pop("metadata", {})},
        "spec": {
            "containers": [{"name": one["name"], "image": "x"} for one in containers] or [{"name": "web"}],
            "initContainers": [
                {"name": one["name"], **({"restartPolicy": "Always"} if one["name"] in sidecars else {})}
                for one in init
            ],
        },
        "status": {
            "phase": status.pop("phase", "Running"),
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init),
            **status,
        },
    }


def cells(document: Any) -> list[Any]:
    table = render_table(resource_of(Pod), [document], include_object="None", now=NOW)
    row: list[Any] = table["rows"][0]["cells"]
    return row


DELETED = {"deletionTimestamp": "2026-11-21T11:59:00Z"}
READY = [{"type": "Ready", "status": "True"}]
LAST = {"lastState": terminated("Error", 1, finishedAt="2026-11-21T11:57:00Z")}


@pytest.mark.parametrize(
    ("document", "ready", "status", "restarts"),
    [
        pytest.param(pod(phase="Pending"), "0/1", "Pending", "0", id="not scheduled"),
        pytest.param(
            pod(phase="Pending", conditions=[{"type": "PodScheduled", "reason": "SchedulingGated"}]),
            "0/1", "SchedulingGated", "0", id="gated",
        ),
        pytest.param(
            pod(container(state=waiting("ContainerCreating")), phase="Pending"),
            "0/1", "ContainerCreating", "0", id="creating",
        ),
        pytest.param(pod(container(ready=True, state=RUNNING)), "1/1", "Running", "0", id="running"),
        pytest.param(pod(container(state=RUNNING)), "0/1", "Running", "0", id="running, not ready"),
        pytest.param(
            pod(container(state=waiting("CrashLoopBackOff"), restarts=2, **LAST)),
            "0/1", "CrashLoopBackOff", "2 (3m ago)", id="crashing",
        ),
        pytest.param(pod(container(state=waiting("ImagePullBackOff"))), "0/1", "ImagePullBackOff", "0", id="no image"),
        pytest.param(pod(container(state=terminated("OOMKilled", 137))), "0/1", "OOMKilled", "0", id="out of memory"),
        pytest.param(pod(container(state=terminated(code=3))), "0/1", "ExitCode:3", "0", id="exit code"),
        pytest.param(pod(container(state=terminated(code=137, signal=9))), "0/1", "Signal:9", "0", id="signal"),
        pytest.param(
            pod(container(state=terminated("Completed")), phase="Succeeded"), "0/1", "Completed", "0", id="completed"
        ),
        pytest.param(pod(phase="Failed", reason="Evicted"), "0/1", "Evicted", "0", id="evicted"),
        pytest.param(
            pod(container(state=terminated("Completed")), container("b", True, RUNNING), conditions=READY),
            "1/2", "Running", "0", id="one of two completed",
        ),
        pytest.param(
            pod(container(state=terminated("Completed")), container("b", True, RUNNING)),
            "1/2", "NotReady", "0", id="one of two completed, pod not ready",
        ),
        pytest.param(
            pod(container(ready=True, state=RUNNING), metadata=DELETED), "1/1", "Terminating", "0", id="terminating"
        ),
        pytest.param(
            pod(container(state=terminated("Completed")), phase="Succeeded", metadata=DELETED),
            "0/1", "Completed", "0", id="ended before it was deleted",
        ),
        pytest.param(
            pod(container(ready=True, state=RUNNING), metadata=DELETED, reason="NodeLost"),
            "1/1", "Unknown", "0", id="node lost",
        ),
        pytest.param(
            pod(container(state=waiting("PodInitializing")), phase="Pending",
                init=(container("a", state=terminated("Completed")), container("b", state=RUNNING))),
            "0/1", "Init:1/2", "0", id="second init container",
        ),
        pytest.param(
            pod(container(state=waiting("PodInitializing")), phase="Pending",
                init=(container("a", state=waiting("CrashLoopBackOff"), restarts=4, **LAST),)),
            "0/1", "Init:CrashLoopBackOff", "4 (3m ago)", id="init container crashes",
        ),
        pytest.param(
            pod(container(state=waiting("PodInitializing")), init=(container("a", state=terminated(code=2)),)),
            "0/1", "Init:ExitCode:2", "0", id="init container failed",
        ),
        pytest.param(
            pod(container(state=waiting("PodInitializing")), init=(container("a", state=terminated("Error", 1)),)),
            "0/1", "Init:Error", "0", id="init container failed, with a reason",
        ),
        pytest.param(
            pod(container(ready=True, state=RUNNING, restarts=1),
                init=(container("a", state=terminated("Completed"), restarts=7),)),
            "1/1", "Running", "1", id="restarts of init containers are forgotten",
        ),
        pytest.param(
            pod(container(ready=True, state=RUNNING, restarts=1), sidecars=("a",),
                init=(container("a", True, RUNNING, restarts=2, started=True),)),
            "2/2", "Running", "3", id="a sidecar counts",
        ),
        pytest.param(
            pod(container(state=waiting("PodInitializing")), sidecars=("a",), phase="Pending",
                init=(container("a", state=RUNNING, started=False),)),
            "0/2", "Init:0/1", "0", id="a sidecar that has not started",
        ),
    ],
)  # fmt: skip
def test_ready_status_restarts(document: Any, ready: str, status: str, restarts: str) -> None:
    assert cells(document)[1:4] == [ready, status, restarts]


def test_wide_columns() -> None:
    document = pod(
        container(ready=True, state=RUNNING),
        podIP="10.244.1.7",
        podIPs=[{"ip": "10.244.1.7"}],
        nominatedNodeName="n2",
        conditions=[{"type": "gate/a", "status": "True"}, {"type": "gate/b", "status": "False"}],
    )
    document["spec"] |= {
        "nodeName": "n1",
        "readinessGates": [{"conditionType": "gate/a"}, {"conditionType": "gate/b"}, {"conditionType": "gate/c"}],
    }
    assert cells(document) == ["web", "1/1", "Running", "0", "5h", "10.244.1.7", "n1", "n2", "1/3"]
    assert cells(pod())[4:] == ["5h", "<none>", "<none>", "<none>", "<none>"]


def test_columns() -> None:
    table = render_table(resource_of(Pod), [], include_object="", now=NOW)
    columns = table["columnDefinitions"]
    assert [one["name"] for one in columns if one["priority"] == 0] == ["Name", "Ready", "Status", "Restarts", "Age"]
    wide = ["IP", "Node", "Nominated Node", "Readiness Gates"]
    assert [one["name"] for one in columns if one["priority"] == 1] == wide
    assert columns[0] == {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}


def test_a_completed_pod_is_said_to_be() -> None:
    table = render_table(resource_of(Pod), [pod(phase="Succeeded"), pod()], include_object="None", now=NOW)
    assert [row.get("conditions") for row in table["rows"]] == [
        [
            {
                "type": "Completed",
                "status": "True",
                "reason": "Succeeded",
                "message": "The pod has completed successfully.",
            }
        ],
        None,
    ]
