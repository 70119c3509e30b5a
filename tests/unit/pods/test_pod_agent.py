"""The agent over a runtime in memory, on a clock of its own: what takes minutes is checked in milliseconds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from errno import ENOSPC
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from controlplane.api.core_v1 import (
    Container,
    ExecAction,
    HostPathVolumeSource,
    Lifecycle,
    LifecycleHandler,
    Node,
    NodeStatus,
    ObjectReference,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PersistentVolumeClaimVolumeSource,
    PersistentVolumeSpec,
    Pod,
    PodCondition,
    PodResourceClaim,
    PodSecurityContext,
    PodSpec,
    Probe,
    Service,
    Sysctl,
    Volume,
    VolumeMount,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.node_v1 import RuntimeClass
from controlplane.client.client import Client
from controlplane.client.informer import Informers
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.events import OutOfMemory
from nodeagent.cri.records import ExecResult
from nodeagent.kernel.inotify import Inotify
from nodeagent.pods.agent import PodAgent, PodAgentConfig
from nodeagent.pods.files import PodFiles
from nodeagent.pods.sandbox import NodeSettings
from tests.fakes.api import FakeApi
from tests.fakes.runtime import FakeRuntime


class _Inline:
    """Does at once what a kernel thread would do in its own time."""

    async def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)


class _InlineByKey:
    """Likewise, for what is done in turn for each pod."""

    async def run(self, key: str, call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)


@dataclass
class World:
    """One node, all of it in memory but a directory for its files."""

    root: Path
    clock: ManualClock = field(default_factory=ManualClock)
    events: list[tuple[str, str]] = field(default_factory=list)
    manifest_url: str = ""

    def __post_init__(self) -> None:
        self.api, self.runtime = FakeApi(self.clock), FakeRuntime(self.clock)
        self.api.add(Node(metadata=ObjectMeta(name="n1")))

    def event(self, obj: Any, type_: str, reason: str, message: str, *, field_path: str = "") -> None:
        self.events.append((reason, message))

    @property
    def reasons(self) -> list[str]:
        return [reason for reason, _ in self.events]

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[PodAgent]:
        """Run an agent; a later one finds what it has left."""
        client, root = Client(self.api), self.root
        informers, inotify = Informers(client, self.clock), Inotify()
        settings = NodeSettings(
            name="n1", logs=root / "logs", log_links=root / "links", kubelet_root=root, host_ips=("192.168.56.11",)
        )
        agent = PodAgent(
            PodAgentConfig("n1", manifests=root / "manifests", kubelet_root=root, manifest_url=self.manifest_url),
            client=client,
            clock=self.clock,
            runtime=cast(Any, self.runtime),
            images=cast(Any, self.runtime.images),
            events=cast(Any, self.runtime.events),
            pods=informers.of(Pod, fields="spec.nodeName=n1"),
            services=informers.of(Service),
            recorder=self,
            settings=lambda: settings,
            node=lambda: self.api.get(Node, "n1"),
            inotify=inotify,
            thread=cast(Any, _Inline()),
            volume_threads=cast(Any, _InlineByKey()),
        )
        try:
            async with running(informers.run(), agent.run()):
                await self.settle()
                yield agent
        finally:
            inotify.close()

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(10):
            await self.clock.advance(0)

    async def pass_time(self, seconds: float, step: float = 0.5) -> None:
        for _ in range(int(seconds / step)):
            await self.clock.advance(step)
        await self.settle()

    def add(
        self,
        name: str = "web",
        container: dict[str, Any] | None = None,
        annotations: dict[str, str] | None = None,
        **spec: Any,
    ) -> None:
        made = Container(**{"name": "c", "image": "x:1", "image_pull_policy": "IfNotPresent", **(container or {})})
        spec = {"containers": [made], "termination_grace_period_seconds": 30, **spec}
        meta = ObjectMeta(name=name, namespace="d", annotations=annotations or {})
        self.api.add(Pod(metadata=meta, spec=PodSpec(node_name="n1", **spec)))

    def manifest(self, text: str, name: str = "beacon.yaml") -> Path:
        """Write a static pod's manifest where the agent looks for them."""
        path = self.root / "manifests" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def pod(self, name: str = "web") -> Pod:
        found = self.api.get(Pod, name, "d")
        assert found is not None
        return found

    def ready(self, name: str = "web") -> bool:
        return any(one.type == "Ready" and one.status == "True" for one in self.pod(name).status.conditions)

    def waits_for(self, name: str = "web") -> str:
        state = self.pod(name).status.container_statuses[0].state
        return state.waiting.reason if state and state.waiting else ""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_pod_becomes_ready(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
        assert world.ready()
        assert world.pod().status.start_time == "2026-01-01T00:00:00Z"
        assert world.reasons == ["Pulled", "Created", "Started"]


async def test_restarts_are_ever_slower(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
        starts = []
        for _ in range(5):
            world.runtime.exit("c", 1)
            ended = world.clock.monotonic()
            await world.settle()
            while not world.runtime.running("c"):
                await world.clock.advance(0.5)
            starts.append(round(world.clock.monotonic() - ended))
        assert starts == [0, 10, 20, 40, 80]
        assert world.events.count(("Killing", "Stopping container c")) == 0
        assert "last exit: code 1" in next(message for reason, message in world.events if reason == "BackOff")


async def test_a_crash_looping_pod_says_why(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
        for attempt in (0, 1):
            log = world.root / "logs" / f"d_web_{world.pod().metadata.uid}" / "c" / f"{attempt}.log"
            log.write_text("2026-01-01T00:00:00Z stdout F hello\n2026-01-01T00:00:01Z stderr F no such table\n")
            world.runtime.exit("c", 137, "OOMKilled")
            await world.settle()
        [said] = [message for reason, message in world.events if reason == "BackOff"]
        assert said.endswith("; last exit: code 137 (SIGKILL), OOMKilled; its log ends: hello | no such table")


@pytest.mark.parametrize("late", [False, True])
async def test_out_of_memory_is_told_whenever_the_runtime_says_so(world: World, late: bool) -> None:
    async with world.agent():
        world.add()
        await world.settle()
        [run] = world.runtime.running("c")
        if not late:
            world.runtime.events.send(OutOfMemory(run.id))
        world.runtime.exit("c", 137)
        await world.settle()
        if late:
            world.runtime.events.send(OutOfMemory(run.id))
            await world.settle()
        last = world.pod().status.container_statuses[0].last_state
        assert last and last.terminated and last.terminated.reason == "OOMKilled"


async def test_a_pod_that_ends_can_become_unready(world: World) -> None:
    world.runtime.ignores_term = True
    asked = Probe(exec=ExecAction(command=["ready?"]), period_seconds=1, failure_threshold=1)
    async with world.agent():
        world.add(container={"readiness_probe": asked, "liveness_probe": asked})
        await world.settle()
        await Client(world.api).delete(Pod, "web", "d")
        await world.settle()
        assert world.ready()
        world.runtime.commands["ready?"] = ExecResult(1)
        await world.pass_time(3)
        assert not world.ready() and world.runtime.running("c")
        assert not any("Liveness" in message for _, message in world.events)


async def test_an_image_that_cannot_be_had_is_asked_for_ever_less_often(world: World) -> None:
    async with world.agent():
        world.add(container={"image": "y:1"})
        await world.settle()
        assert world.waits_for() == "ErrImagePull"
        await world.pass_time(3)
        assert world.waits_for() == "ImagePullBackOff"
        await world.pass_time(57)
        assert len(world.runtime.images.pulled) == 3  # at 0, 10 and 30 seconds
        world.runtime.images.registry.add("y:1")
        await world.pass_time(20)
        assert world.ready()


async def test_who_waits_for_a_slow_registry_keeps_nobody_from_starting(world: World) -> None:
    async with world.agent():
        for number in range(6):
            image = f"slow:{number}"
            world.runtime.images.stalled.add(image)
            world.add(f"slow-{number}", container={"image": image})
        await world.settle()
        world.add()
        await world.settle()
        assert world.ready()


async def test_termination_gives_the_grace_period_then_kills(world: World) -> None:
    world.runtime.ignores_term = True
    async with world.agent() as agent:
        world.add()
        await world.settle()
        await Client(world.api).delete(Pod, "web", "d")
        await world.pass_time(29)
        assert world.runtime.running("c")
        await world.pass_time(2)
        assert world.api.get(Pod, "web", "d") is None
        await world.settle()
        assert not agent.workers()
        assert not await world.runtime.list_sandboxes()


async def test_a_forced_deletion_cuts_the_grace_short(world: World) -> None:
    world.runtime.ignores_term = True
    async with world.agent():
        world.add()
        await world.settle()
        await Client(world.api).delete(Pod, "web", "d")
        await world.pass_time(5)
        await Client(world.api).delete(Pod, "web", "d", grace_period_seconds=0)
        await world.pass_time(3)
        assert not world.runtime.running("c")


async def test_the_pre_stop_hook_and_the_signal_share_the_grace(world: World) -> None:
    hook = LifecycleHandler(exec=ExecAction(command=["bye"]))
    async with world.agent():
        world.add(container={"lifecycle": Lifecycle(pre_stop=hook)})
        await world.settle()
        await Client(world.api).delete(Pod, "web", "d")
        await world.settle()
        calls = [call for call in world.runtime.calls if call[0] in ("exec_sync", "stop_container")]
        assert calls == [("exec_sync", "bye"), ("stop_container", "c")]


async def test_sidecars_end_within_the_one_grace_period(world: World) -> None:
    world.runtime.ignores_term = True
    hook = Lifecycle(pre_stop=LifecycleHandler(exec=ExecAction(command=["bye"])))
    sidecars = [
        Container(name=name, image="x:1", restart_policy="Always", lifecycle=hook, image_pull_policy="IfNotPresent")
        for name in ("first", "second")
    ]
    async with world.agent():
        world.add(init_containers=sidecars)
        await world.settle()
        assert world.ready()
        await Client(world.api).delete(Pod, "web", "d")
        await world.settle()
        assert world.runtime.calls.count(("exec_sync", "bye")) == 2  # told at once, although they are not stopped yet
        assert ("stop_container", "second") not in world.runtime.calls
        await world.pass_time(34)
        assert not any(world.runtime.running(name) for name in ("c", "first", "second"))
        assert world.api.get(Pod, "web", "d") is None
        assert world.runtime.calls.count(("exec_sync", "bye")) == 2
        assert world.reasons.count("Killing") == 3


class _Set(ManualClock):
    """A clock that somebody sets; time passes as ever."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


async def test_a_clock_that_is_set_cuts_nobodys_grace_short(tmp_path: Path) -> None:
    clock = _Set()
    world = World(tmp_path, clock)
    world.runtime.ignores_term = True
    sidecar = Container(name="side", image="x:1", restart_policy="Always", image_pull_policy="IfNotPresent")
    async with world.agent():
        world.add(init_containers=[sidecar])
        await world.settle()
        await Client(world.api).delete(Pod, "web", "d")
        await world.settle()
        clock.ahead = timedelta(hours=1)
        pod = world.pod()
        world.api.update(replace(pod, metadata=replace(pod.metadata, labels={"looked": "at again"})))
        await world.pass_time(25)
        assert ("stop_container", "side") not in world.runtime.calls  # it waits for the other one
        await world.pass_time(8)
        assert not world.runtime.running("side")


async def test_sidecars_end_in_the_reverse_order(world: World) -> None:
    sidecars = [
        Container(name=name, image="x:1", restart_policy="Always", image_pull_policy="IfNotPresent")
        for name in ("first", "second")
    ]
    async with world.agent():
        world.add(init_containers=sidecars)
        await world.settle()
        await Client(world.api).delete(Pod, "web", "d")
        await world.pass_time(1)
        stopped = [about for call, about in world.runtime.calls if call == "stop_container"]
        assert stopped == ["c", "second", "first"]


async def test_a_failed_post_start_hook_kills_the_container(world: World) -> None:
    hook = LifecycleHandler(exec=ExecAction(command=["hello"]))
    world.runtime.commands["hello"] = ExecResult(1, b"no")
    async with world.agent():
        world.add(container={"lifecycle": Lifecycle(post_start=hook)}, restart_policy="Never")
        await world.settle()
        assert "FailedPostStartHook" in world.reasons
        await world.settle()
        assert world.pod().status.phase == "Failed"


async def test_a_runtime_that_is_away_changes_nothing(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
        world.runtime.down = True
        await world.pass_time(60)
        assert world.ready()
        world.add("late")
        await world.pass_time(5)
        world.runtime.down = False
        await world.pass_time(15)
        assert world.ready("late")
        assert len(world.runtime.running("c")) == 2


async def test_a_sandbox_that_fails_is_tried_again(world: World) -> None:
    world.runtime.fail("run_sandbox", RuntimeFailure("no network"), times=2)
    async with world.agent():
        world.add()
        await world.settle()
        assert ("FailedCreatePodSandBox", "Failed to create pod sandbox: no network") in world.events
        await world.pass_time(4)
        assert world.ready()


@pytest.mark.parametrize(
    ("method", "reason", "waiting"),
    [
        pytest.param("write_hosts", "Failed", "CreateContainerConfigError", id="a file of a container"),
        pytest.param("make_log_directory", "FailedCreatePodSandBox", "ContainerCreating", id="the logs of a pod"),
    ],
)
async def test_a_full_disk_is_told_and_got_over(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str, reason: str, waiting: str
) -> None:
    def full(*_: Any) -> Path:
        raise OSError(ENOSPC, "No space left on device")

    async with world.agent():
        with monkeypatch.context() as disk:
            disk.setattr(PodFiles, method, full)
            world.add()
            await world.settle()
            told = [message for found, message in world.events if found == reason]
            assert len(told) == 1 and "No space left on device" in told[0]
            assert world.waits_for() == waiting
        await world.pass_time(12)
        assert world.ready()


@pytest.mark.parametrize(
    ("method", "reason", "message", "waiting"),
    [
        pytest.param(
            "create_container", "Failed", "Error: [Errno 28] No space left", "CreateContainerError", id="a container"
        ),
        pytest.param(
            "run_sandbox",
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: [Errno 28] No space left",
            "ContainerCreating",
            id="the sandbox",
        ),
    ],
)
async def test_what_nobody_had_foreseen_is_told_and_tried_again(
    world: World, method: str, reason: str, message: str, waiting: str
) -> None:
    world.runtime.fail(method, OSError(28, "No space left"), times=3)
    async with world.agent():
        world.add()
        await world.settle()
        assert world.waits_for() == waiting
        assert (reason, message) in world.events
        await world.pass_time(1)
        assert not world.ready()  # ever less often: after 0.5 s, 1 s, 2 s
        await world.pass_time(7)
        assert world.ready()


async def test_a_running_container_whose_log_cannot_be_linked_is_fine(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    (world.root / "links").write_text("no directory")
    async with world.agent():
        world.add()
        await world.settle()
        assert world.ready()
        assert "log shippers will not find" in caplog.text


async def test_an_image_whose_name_is_none_is_not_asked_for(world: World) -> None:
    async with world.agent():
        world.add(container={"image": "Not An Image"})
        await world.settle()
        assert world.waits_for() == "InvalidImageName"
        assert world.reasons[-2:] == ["InspectFailed", "Failed"]
        assert not world.runtime.images.pulled


async def test_a_broken_store_of_images_is_told(world: World) -> None:
    world.runtime.images.broken = "blob not found"
    async with world.agent():
        world.add()
        await world.settle()
        assert world.waits_for() == "ImageInspectError"
        assert ("InspectFailed", 'Failed to inspect image "x:1": blob not found') in world.events
        world.runtime.images.broken = ""
        await world.pass_time(11)
        assert world.ready()


async def test_a_machine_that_was_rebooted_starts_its_pods_again(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
    world.runtime.kill_sandbox(world.pod().metadata.uid)
    async with world.agent():
        await world.settle()
        assert world.ready()
        status = world.pod().status.container_statuses[0]
        assert status.restart_count == 1
        assert status.last_state and status.last_state.terminated
        assert (status.last_state.terminated.exit_code, status.last_state.terminated.reason) == (255, "Unknown")


async def test_a_restart_of_the_agent_writes_nothing(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
    writes, calls = len(world.api.writes()), len(world.runtime.calls)
    async with world.agent():
        await world.pass_time(30)
        assert (len(world.api.writes()), len(world.runtime.calls)) == (writes, calls)


async def test_a_status_that_could_not_be_written_is_written_later(world: World) -> None:
    async with world.agent():
        world.api.fail(Unreachable("gone"), method="PATCH", times=6)
        world.add()
        await world.settle()
        assert not world.ready()
        await world.pass_time(15)  # six retries, from 0.2 s on, each after twice the time
        assert world.ready()


async def test_a_status_that_somebody_overwrote_is_written_again(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
        pod = world.pod()
        lost = [PodCondition(type="Ready", status="False", reason="NodeLost"), PodCondition(type="Mine", status="True")]
        world.api.update(replace(pod, status=replace(pod.status, conditions=lost)))
        await world.settle()
        shown = {one.type: (one.status, one.reason) for one in world.pod().status.conditions}
        assert shown["Ready"] == ("True", "")
        assert shown["Mine"] == ("True", "")


async def test_a_deadline_ends_the_pod(world: World) -> None:
    async with world.agent():
        world.add(active_deadline_seconds=60)
        await world.settle()
        await world.pass_time(61)
        assert (world.pod().status.phase, world.pod().status.reason) == ("Failed", "DeadlineExceeded")
        assert not world.runtime.running("c")


async def test_a_pod_that_does_not_fit_is_refused(world: World) -> None:
    async with world.agent():
        world.add(node_selector={"disk": "ssd"})
        await world.settle()
        assert (world.pod().status.phase, world.pod().status.reason) == ("Failed", "NodeAffinity")
        assert not world.runtime.calls


async def test_a_critical_pod_takes_the_place_of_another(world: World) -> None:
    node = world.api.get(Node, "n1")
    assert node is not None
    world.api.update(replace(node, status=NodeStatus(allocatable={"cpu": "1", "pods": "1"})))
    async with world.agent():
        world.add("lesser")
        await world.settle()
        world.add("critical", priority=2_000_000_000)
        await world.pass_time(3)
        assert ("Preempting", "Preempted in order to admit critical pod") in world.events
        status = world.pod("lesser").status
        assert (status.phase, status.reason) == ("Failed", "Preempting")
        assert world.ready("critical")


async def test_an_unsafe_sysctl_fails_the_pod(world: World) -> None:
    async with world.agent():
        world.add(security_context=PodSecurityContext(sysctls=[Sysctl(name="kernel.msgmax", value="1")]))
        await world.settle()
        status = world.pod().status
        assert (status.phase, status.reason) == ("Failed", "SysctlForbidden")
        assert status.message == 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted'
        assert not world.runtime.calls


async def test_strict_groups_fail_the_pod_where_the_node_does_not_know_them(world: World) -> None:
    async with world.agent():
        world.add(security_context=PodSecurityContext(supplemental_groups_policy="Strict"))
        await world.settle()
        assert world.pod().status.reason == "SupplementalGroupsPolicyNotSupported"


async def test_a_runtime_class_names_the_handler(world: World) -> None:
    async with world.agent():
        world.add(runtime_class_name="gvisor")
        await world.settle()
        words = 'Failed to create pod sandbox: runtimeclass.node.k8s.io "gvisor" not found'
        assert ("FailedCreatePodSandBox", words) in world.events
        assert not world.ready()
        world.api.add(RuntimeClass(metadata=ObjectMeta(name="gvisor"), handler="runsc"))
        await world.pass_time(2)
        assert world.ready()
        assert world.runtime.handlers == {"web": "runsc"}


async def test_a_pod_that_wants_a_user_namespace_does_not_run_without(world: World) -> None:
    async with world.agent():
        world.add(host_users=False)
        await world.settle()
        assert any("spec.hostUsers: false" in message for _, message in world.events)
        assert world.pod().status.phase == "Pending"
        assert "run_sandbox" not in [method for method, _ in world.runtime.calls]


async def test_nobody_is_ended_twice_for_critical_pods(world: World) -> None:
    """The first has been promised the place of one that still ends; the second is in want of one more, not of two."""
    node = world.api.get(Node, "n1")
    assert node is not None
    world.api.update(replace(node, status=NodeStatus(allocatable={"pods": "3"})))
    async with world.agent():
        world.runtime.ignores_term = True
        for name in ("a", "b", "c"):
            world.add(name)
        await world.settle()
        for name in ("first", "second"):
            world.add(name, priority=2_000_000_000)
            await world.settle()
        await world.pass_time(40)
        phases = [world.pod(name).status.phase for name in ("a", "b", "c", "first", "second")]
        assert sorted(phases[:3]) == ["Failed", "Failed", "Running"]
        assert phases[3:] == ["Running", "Running"]
        assert world.reasons.count("Preempting") == 2


async def test_a_static_pod_that_does_not_fit_is_refused(world: World) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "d"},
        "spec": {"nodeSelector": {"disk": "hdd"}, "containers": [{"name": "c", "image": "x:1"}]},
    }
    (world.root / "manifests").mkdir()
    (world.root / "manifests/web.json").write_text(json.dumps(manifest))
    async with world.agent() as agent:
        await world.pass_time(1)
        worker = agent.find("d", "web-n1")
        assert worker is not None
        assert (worker.status.phase, worker.status.reason) == ("Failed", "NodeAffinity")
        assert not world.runtime.running("c")


async def test_a_pod_that_claims_devices_does_not_run_without(world: World) -> None:
    async with world.agent():
        world.add(resource_claims=[PodResourceClaim(name="gpu", resource_claim_name="gpu-7")])
        await world.settle()
        words = "spec.resourceClaims: this node prepares no devices, and gpu need some"
        assert ("FailedPrepareDynamicResources", f"Failed to prepare dynamic resources: {words}") in world.events
        assert world.pod().status.phase == "Pending"
        assert "run_sandbox" not in [method for method, _ in world.runtime.calls]


async def test_a_deleted_pod_with_the_same_name_comes_again(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
        await Client(world.api).delete(Pod, "web", "d")
        await world.settle()
        world.add()
        await world.settle()
        assert world.ready()
        assert len(world.runtime.running("c")) == 1


async def test_a_node_that_goes_down_ends_its_pods(world: World) -> None:
    async with world.agent() as agent:
        world.add()
        await world.settle()
        ending = asyncio.create_task(agent.shut_down(10))
        await world.pass_time(1)
        await ending
        assert not world.runtime.running("c")
        await world.settle()
        assert (world.pod().status.phase, world.pod().status.reason) == ("Failed", "Terminated")


async def test_a_pod_waits_for_its_claim_and_says_so(world: World, tmp_path: Path) -> None:
    claim = PersistentVolumeClaim(
        metadata=ObjectMeta(name="data", namespace="d", uid="claim"),
        status=PersistentVolumeClaimStatus(phase="Pending"),
    )
    volume = Volume(name="v", persistent_volume_claim=PersistentVolumeClaimVolumeSource(claim_name="data"))
    async with world.agent():
        world.api.add(claim)
        world.add(volumes=[volume], container={"volume_mounts": [VolumeMount(name="v", mount_path="/data")]})
        await world.pass_time(40)
        assert world.waits_for() == "ContainerCreating"
        assert {reason for reason in world.reasons if reason != "Pulled"} == {"FailedMount"}
        assert world.events[-1][1] == (
            "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], "
            "failed to process volumes=[v]: error processing PVC d/data: PVC is not bound"
        )
        spec = PersistentVolumeSpec(
            host_path=HostPathVolumeSource(path=str(tmp_path)), claim_ref=ObjectReference(uid="claim")
        )
        world.api.add(PersistentVolume(metadata=ObjectMeta(name="pv"), spec=spec))
        bound = PersistentVolumeClaimStatus(phase="Bound")
        world.api.update(replace(claim, spec=PersistentVolumeClaimSpec(volume_name="pv"), status=bound))
        await world.pass_time(6)
        assert world.ready()


_BEACON = """\
kind: Pod
metadata: {name: beacon, namespace: d}
spec: {containers: [{name: s, image: x:1}]}
"""


async def test_a_pod_of_the_api_cannot_call_itself_static(world: World) -> None:
    async with world.agent():
        world.add(annotations={"kubernetes.io/config.source": "file"})
        await world.settle()
        assert world.ready()
        world.manifest(_BEACON)
        await world.pass_time(25)
        assert world.ready("beacon-n1")
        assert world.ready() and world.runtime.running("c")
        await Client(world.api).delete(Pod, "web", "d")
        await world.settle()
        assert world.api.get(Pod, "web", "d") is None


async def test_a_running_pod_cannot_become_a_mirror(world: World) -> None:
    async with world.agent():
        world.add()
        await world.settle()
        pod = world.pod()
        meta = replace(pod.metadata, annotations={"kubernetes.io/config.mirror": "x"})
        world.api.update(replace(pod, metadata=meta))
        world.manifest(_BEACON)
        await world.pass_time(25)
        assert world.ready() and world.runtime.running("c")
        await Client(world.api).delete(Pod, "web", "d")
        await world.settle()
        assert not world.runtime.running("c")


async def test_a_node_that_goes_down_ends_critical_pods_last_and_takes_no_more(world: World) -> None:
    async with world.agent() as agent:
        world.add()
        world.add("critical", priority=2_000_000_000)
        await world.settle()
        agent.take_no_more("NodeShutdown", "Pod was rejected as the node is shutting down.")
        ending = asyncio.create_task(agent.shut_down(10, below=2_000_000_000))
        await world.pass_time(1)
        await ending
        assert (world.pod().status.phase, world.pod("critical").status.phase) == ("Failed", "Running")
        world.add("late")
        await world.settle()
        assert (world.pod("late").status.phase, world.pod("late").status.reason) == ("Failed", "NodeShutdown")
        agent.take_again()
        world.add("later")
        await world.settle()
        assert world.ready("later")


async def test_of_several_manifests_of_one_name_the_first_counts(world: World) -> None:
    async with world.agent():
        world.manifest(_BEACON, "a")
        world.manifest(_BEACON.replace("x:1", "y:1"), "b")
        await world.pass_time(25)
        assert world.ready("beacon-n1")
        assert world.pod("beacon-n1").spec.containers[0].image == "x:1"


async def test_pods_of_a_url_outlive_an_agent_that_cannot_ask_it(world: World) -> None:
    wanted = _BEACON

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=wanted, status=200 if wanted else 500)

    application = web.Application()
    application.router.add_get("/", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        world.manifest_url = str(server.make_url("/"))
        async with world.agent():
            await _until(world, lambda: world.api.get(Pod, "beacon-n1", "d") is not None and world.ready("beacon-n1"))
        wanted = ""
        async with world.agent():
            await _until(world, lambda: world.clock.monotonic() > 300)  # so often has it asked and got no answer
            assert world.ready("beacon-n1") and len(world.runtime.running("s")) == 1
            wanted = "{kind: PodList}"
            await _until(world, lambda: not world.runtime.running("s"))
            await _until(world, lambda: world.api.get(Pod, "beacon-n1", "d") is None)


async def _until(world: World, condition: Callable[[], bool]) -> None:
    """Let time pass on the world's clock, and so much on everybody's that a web server can answer."""
    for _ in range(200):
        if condition():
            return
        await world.clock.advance(5)
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")
