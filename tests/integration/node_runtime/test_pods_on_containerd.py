"""Pods from spec to running containers and back, on a real containerd."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import (
    ConfigMap,
    ConfigMapEnvSource,
    ConfigMapVolumeSource,
    Container,
    EmptyDirVolumeSource,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    ExecAction,
    HostPathVolumeSource,
    Lifecycle,
    LifecycleHandler,
    ObjectFieldSelector,
    Pod,
    PodSecurityContext,
    Probe,
    ResourceRequirements,
    Secret,
    SecretVolumeSource,
    Volume,
    VolumeMount,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.node_v1 import RuntimeClass
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from nodeagent.cri.channel import Channel
from nodeagent.cri.events import Exited, RuntimeEvents
from nodeagent.cri.records import POD_NAME
from nodeagent.pods.security import MASKED_PATHS, READONLY_PATHS
from tests.fakes.containerd import IMAGE
from tests.integration.node_runtime.world import World, a_pod, agent_of
from tests.waiting import until


async def _output(world: World, pod: str, command: str) -> str:
    worker = world.agent.find("default", pod)
    assert worker is not None
    run = worker.runtime.current("c")
    assert run is not None
    result = await world.runtime.exec_sync(run.id, ["sh", "-c", command], 10)
    assert result.exit_code == 0, result
    return result.stdout.decode()


async def test_a_pod_becomes_ready_and_leaves_nothing_behind(world: World) -> None:
    async with agent_of(world):
        world.api.add(a_pod("web"))
        await until(lambda: world.is_ready("web"))
        status = world.pod("web").status
        assert (status.phase, status.host_ip, status.pod_ip[:8]) == ("Running", "192.168.56.11", "10.99.0.")
        assert world.events.reasons("web") == ["Pulled", "Created", "Started"]
        await world.delete("web")
        await until(lambda: not world.agent.workers())
        assert not await world.runtime.list_sandboxes()
        assert not list((world.root / "kubelet" / "pods").iterdir())
        assert not list((world.root / "logs").iterdir())
        assert not list((world.root / "links").iterdir())


async def test_configuration_reaches_the_container(world: World) -> None:
    world.api.add(ConfigMap(metadata=ObjectMeta(name="settings", namespace="default"), data={"color": "blue"}))
    secret = {"key": base64.b64encode(b"hush").decode()}
    world.api.add(Secret(metadata=ObjectMeta(name="hidden", namespace="default"), data=secret))
    container = {
        "env": [
            EnvVar(name="ME", value_from=EnvVarSource(field_ref=ObjectFieldSelector(field_path="metadata.name"))),
            EnvVar(name="GREETING", value="I am $(ME)"),
        ],
        "env_from": [EnvFromSource(prefix="CFG_", config_map_ref=ConfigMapEnvSource(name="settings"))],
        "volume_mounts": [
            VolumeMount(name="cfg", mount_path="/cfg"),
            VolumeMount(name="cfg", mount_path="/one", sub_path="color"),
            VolumeMount(name="sec", mount_path="/sec", read_only=True),
            VolumeMount(name="tmp", mount_path="/scratch"),
        ],
    }
    volumes = [
        Volume(name="cfg", config_map=ConfigMapVolumeSource(name="settings")),
        Volume(name="sec", secret=SecretVolumeSource(secret_name="hidden", default_mode=0o400)),
        Volume(name="tmp", empty_dir=EmptyDirVolumeSource(medium="Memory")),
    ]
    context = PodSecurityContext(fs_group=1234)
    async with agent_of(world):
        world.api.add(a_pod("conf", container=container, volumes=volumes, security_context=context, hostname="boat"))
        await until(lambda: world.is_ready("conf"))
        told = await _output(world, "conf", 'echo "$GREETING|$CFG_color|$(hostname)|$(cat /cfg/color /one /sec/key)"')
        assert told == "I am conf|blue|boat|bluebluehush\n"
        assert await _output(world, "conf", "stat -c %g:%a /scratch") == "1234:2777\n"
        assert "\tboat\n" in await _output(world, "conf", "cat /etc/hosts")
        changed = world.api.get(ConfigMap, "settings", "default")
        assert changed is not None
        world.api.update(replace(changed, data={"color": "red"}))
        await until(lambda: _file(world, "conf", "kubernetes.io~configmap/cfg/color") == "red")
        assert await _output(world, "conf", "cat /cfg/color") == "red"


async def test_the_kernels_files_are_masked_or_read_only(world: World) -> None:
    """/proc belongs to the whole machine: a container that writes to sysrq-trigger reboots every pod's node."""
    async with agent_of(world):
        world.api.add(a_pod("caged"))
        await until(lambda: world.is_ready("caged"))
        mounts = await _output(world, "caged", "cat /proc/self/mountinfo")
        options = {line.split()[4]: line.split()[5].split(",") for line in mounts.splitlines()}
        present = [path for path in READONLY_PATHS if Path(path).exists()]
        assert {path for path in present if "ro" in options.get(path, ())} == set(present)
        hidden = [path for path in MASKED_PATHS if Path(path).exists()]
        assert set(hidden) <= options.keys()
        assert await _output(world, "caged", "wc -c < /proc/interrupts; ls /sys/firmware | wc -l") == "0\n0\n"


async def test_a_pod_runs_under_the_handler_of_its_class(world: World) -> None:
    for name, handler in (("usual", "runc"), ("unknown", "nothing")):
        world.api.add(RuntimeClass(metadata=ObjectMeta(name=name), handler=handler))
    async with agent_of(world):
        world.api.add(a_pod("plain", runtime_class_name="usual"))
        world.api.add(a_pod("strange", runtime_class_name="unknown"))
        await until(lambda: world.is_ready("plain"))
        (sandbox,) = await world.runtime.list_sandboxes({POD_NAME: "plain"})
        assert sandbox.runtime_handler == "runc"
        await until(lambda: "FailedCreatePodSandBox" in world.events.reasons("strange"))
        assert any("nothing" in message for name, _, message in world.events.seen if name == "strange")


async def test_what_the_runtime_says_it_can_do(world: World) -> None:
    async with agent_of(world):
        status = await world.runtime.status()
        assert [(one.type, one.status) for one in status.conditions] == [("RuntimeReady", True), ("NetworkReady", True)]


def _file(world: World, pod: str, path: str) -> str:
    return (world.root / "kubelet" / "pods" / world.pod(pod).metadata.uid / "volumes" / path).read_text()


async def test_a_missing_config_map_holds_the_pod_until_it_appears(world: World) -> None:
    volume = Volume(name="cfg", config_map=ConfigMapVolumeSource(name="late"))
    async with agent_of(world):
        world.api.add(a_pod("waits", volumes=[volume]))
        await until(lambda: "FailedMount" in world.events.reasons("waits"))
        waiting = world.pod("waits").status.container_statuses[0].state
        assert waiting and waiting.waiting and waiting.waiting.reason == "ContainerCreating"
        world.api.add(ConfigMap(metadata=ObjectMeta(name="late", namespace="default"), data={"a": "b"}))
        await until(lambda: world.is_ready("waits"))


async def test_exit_codes_messages_and_restarts_are_told(world: World) -> None:
    script = "echo from the end >/dev/termination-log; exit 3"
    async with agent_of(world):
        world.api.add(a_pod("crash", container={"command": ["sh", "-c", script]}))
        await until(lambda: "BackOff" in world.events.reasons("crash"))
        await until(lambda: world.pod("crash").status.container_statuses[0].restart_count == 1)
        await until(lambda: _waiting(world.pod("crash")) == "CrashLoopBackOff")
        last = world.pod("crash").status.container_statuses[0].last_state
        assert last and last.terminated
        assert (last.terminated.exit_code, last.terminated.reason) == (3, "Error")
        assert last.terminated.message == "from the end\n"


async def test_containerd_tells_of_every_end(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An end that no event told would be seen at the next look at everything only, many seconds later."""
    channel = Channel(world.daemon.socket)
    heard: set[str] = set()

    async def listen() -> None:
        async for event in RuntimeEvents(channel, SystemClock()).follow():
            if isinstance(event, Exited):
                heard.add(event.container_id)

    async with agent_of(world), running(listen()):
        for name in ("one", "two"):
            world.api.add(a_pod(name, container={"command": ["true"]}, restart_policy="Never"))
            await until(lambda name=name: world.pod(name).status.phase == "Succeeded")  # type: ignore[misc]
        ids = {
            world.pod(name).status.container_statuses[0].container_id.removeprefix("containerd://")
            for name in ("one", "two")
        }
        await until(lambda: ids <= heard)
    await channel.close()
    assert "tells no events" not in caplog.text


def _waiting(pod: Pod) -> str:
    state = pod.status.container_statuses[0].state
    return state.waiting.reason if state and state.waiting else ""


async def test_init_containers_run_first_and_never_pods_succeed(world: World) -> None:
    mounts = [VolumeMount(name="d", mount_path="/d")]
    init = Container(name="i", image=IMAGE, command=["sh", "-c", "echo first >/d/x"], volume_mounts=mounts)
    container = {"command": ["sh", "-c", "cat /d/x; exit 0"], "volume_mounts": mounts}
    volumes = [Volume(name="d", empty_dir=EmptyDirVolumeSource())]
    async with agent_of(world):
        init = replace(init, image_pull_policy="IfNotPresent")
        world.api.add(
            a_pod("job", container=container, init_containers=[init], volumes=volumes, restart_policy="Never")
        )
        await until(lambda: world.pod("job").status.phase == "Succeeded")
        uid = world.pod("job").metadata.uid
        log = (world.root / "logs" / f"default_job_{uid}" / "c" / "0.log").read_text()
        assert log.endswith("stdout F first\n")


async def test_a_failing_liveness_probe_restarts_the_container(world: World) -> None:
    probe = Probe(exec=ExecAction(command=["test", "-e", "/alive"]), period_seconds=1, failure_threshold=1)
    command = ["sh", "-c", "sleep 1000"]
    async with agent_of(world):
        pod = a_pod("sick", container={"liveness_probe": probe, "command": command}, termination_grace_period_seconds=1)
        world.api.add(pod)
        await until(lambda: (world.pod("sick").status.container_statuses or [None]) and _restarts(world, "sick") >= 1)
        assert "Unhealthy" in world.events.reasons("sick")
        assert ("sick", "Killing", "Container c failed liveness probe, will be restarted") in world.events.seen


def _restarts(world: World, name: str) -> int:
    statuses = world.pod(name).status.container_statuses
    return (statuses[0].restart_count or 0) if statuses else 0


async def test_readiness_follows_its_probe(world: World) -> None:
    probe = Probe(exec=ExecAction(command=["test", "-e", "/tmp/ready"]), period_seconds=1)
    async with agent_of(world):
        world.api.add(a_pod("slow", container={"readiness_probe": probe}))
        await until(lambda: "Unhealthy" in world.events.reasons("slow"))
        assert not world.is_ready("slow")
        await _output(world, "slow", "echo >/tmp/ready")
        await until(lambda: world.is_ready("slow"))
        counted = {
            sample.labels["result"]: sample.value
            for metric in world.agent.probe_counts.registry.collect()
            for sample in metric.samples
            if sample.name == "prober_probe_total" and sample.labels["probe_type"] == "Readiness"
        }
        assert counted["failed"] >= 1 and counted["successful"] >= 1


async def test_termination_runs_the_pre_stop_hook(world: World) -> None:
    hook = LifecycleHandler(exec=ExecAction(command=["sh", "-c", "echo bye >/d/x"]))
    container = {
        "lifecycle": Lifecycle(pre_stop=hook),
        "volume_mounts": [VolumeMount(name="d", mount_path="/d")],
    }
    (world.root / "host").mkdir()
    volume = Volume(name="d", host_path=HostPathVolumeSource(path=str(world.root / "host"), type="Directory"))
    async with agent_of(world):
        world.api.add(a_pod("polite", container=container, volumes=[volume]))
        await until(lambda: world.is_ready("polite"))
        await world.delete("polite")
        assert (world.root / "host" / "x").read_text() == "bye\n"


async def test_a_restart_of_the_agent_leaves_healthy_pods_alone(world: World) -> None:
    async with agent_of(world):
        world.api.add(a_pod("steady"))
        await until(lambda: world.is_ready("steady"))
    before, writes = world.pod("steady"), len(world.api.writes())
    async with agent_of(world):
        await until(lambda: (worker := world.agent.find("default", "steady")) and worker.runtime.running)
        await until(lambda: world.agent._picture)  # one full look has been taken
        assert world.pod("steady") == before
        assert len(world.api.writes()) == writes
        await world.delete("steady")


async def test_a_restart_of_containerd_leaves_pods_running(world: World) -> None:
    async with agent_of(world):
        world.api.add(a_pod("sturdy"))
        await until(lambda: world.is_ready("sturdy"))
        before = world.pod("sturdy").status.container_statuses[0]
        world.daemon.stop()
        world.daemon.start()
        world.api.add(a_pod("next"))
        await until(lambda: world.is_ready("next"))
        after = world.pod("sturdy").status.container_statuses[0]
        assert (after.container_id, after.restart_count) == (before.container_id, 0)


async def test_a_dead_sandbox_is_made_again(world: World) -> None:
    async with agent_of(world):
        world.api.add(a_pod("phoenix"))
        await until(lambda: world.is_ready("phoenix"))
        sandbox = (await world.runtime.list_sandboxes())[0]
        await world.runtime.stop_sandbox(sandbox.id)
        # Once, or once more: a container may be started in the old sandbox while the runtime is still stopping it.
        await until(lambda: _restarts(world, "phoenix") >= 1 and world.is_ready("phoenix"))
        assert "SandboxChanged" in world.events.reasons("phoenix")


async def test_a_pod_deleted_while_the_agent_was_down_is_ended(world: World) -> None:
    async with agent_of(world):
        world.api.add(a_pod("ghost"))
        await until(lambda: world.is_ready("ghost"))
    world.api.remove(Pod, "ghost", "default")
    async with agent_of(world):
        await until(lambda: "Killing" in world.events.reasons("ghost"))
        await until(lambda: not world.agent.workers())
        assert not await world.runtime.list_sandboxes()


async def test_static_pods_run_and_have_mirrors(world: World) -> None:
    (world.root / "manifests").mkdir()
    manifest = world.root / "manifests" / "beacon.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: beacon}\n"
        f"spec: {{terminationGracePeriodSeconds: 1, containers: [{{name: c, image: '{IMAGE}'}}]}}\n"
    )
    async with agent_of(world):
        await until(lambda: world.api.get(Pod, "beacon-n1", "default") and world.is_ready("beacon-n1"))
        first = world.pod("beacon-n1")
        assert first.metadata.annotations["kubernetes.io/config.source"] == "file"
        world.api.remove(Pod, "beacon-n1", "default")
        await until(lambda: world.api.get(Pod, "beacon-n1", "default") and world.is_ready("beacon-n1"))
        assert world.pod("beacon-n1").metadata.uid != first.metadata.uid
        assert _restarts(world, "beacon-n1") == 0
        manifest.unlink()
        await until(lambda: world.api.get(Pod, "beacon-n1", "default") is None)
        await until(lambda: not world.agent.workers())


async def test_a_missing_image_is_told_with_the_registrys_answer(world: World) -> None:
    async with agent_of(world):
        world.api.add(a_pod("blank", container={"image": "127.0.0.1:1/nothing:1"}))
        await until(lambda: "Failed" in world.events.reasons("blank"))
        assert any("Failed to pull image" in message and "refused" in message for _, _, message in world.events.seen)
        await until(lambda: world.api.get(Pod, "blank", "default") and _waiting(world.pod("blank")) == "ErrImagePull")
        await until(lambda: _waiting(world.pod("blank")) == "ImagePullBackOff")
        assert "BackOff" in world.events.reasons("blank")


async def test_a_container_without_memory_left_says_so(world: World) -> None:
    command = ["sh", "-c", "x=0123456789; while :; do x=$x$x; done"]
    greedy = {"command": command, "resources": ResourceRequirements(limits={"memory": "16Mi"})}
    async with agent_of(world):
        world.api.add(a_pod("greedy", container=greedy, restart_policy="Never"))
        await until(lambda: world.api.get(Pod, "greedy", "default") and world.pod("greedy").status.phase == "Failed")
        state = world.pod("greedy").status.container_statuses[0].state
        assert state and state.terminated
        assert (state.terminated.exit_code, state.terminated.reason) == (137, "OOMKilled")


async def test_a_sidecar_ends_after_what_it_serves(world: World) -> None:
    def saying(name: str, **more: Any) -> Container:
        script = f"trap 'sleep 1; : > /shared/{name}; exit 0' TERM; while :; do sleep 0.1; done"
        mount = VolumeMount(name="v", mount_path="/shared")
        return Container(name=name, image=IMAGE, command=["sh", "-c", script], volume_mounts=[mount], **more)

    shared = world.root / "shared"
    shared.mkdir()
    volume = Volume(name="v", host_path=HostPathVolumeSource(path=str(shared)))
    async with agent_of(world):
        sidecar = saying("sidecar", restart_policy="Always", image_pull_policy="IfNotPresent")
        main = saying("main", image_pull_policy="IfNotPresent")
        spec: dict[str, Any] = {"init_containers": [sidecar], "containers": [main], "volumes": [volume]}
        world.api.add(a_pod("pair", termination_grace_period_seconds=10, **spec))
        await until(lambda: world.api.get(Pod, "pair", "default") and world.is_ready("pair"))
        await world.delete("pair")
        ended = {path.name: path.stat().st_mtime_ns for path in shared.iterdir()}
        assert ended["sidecar"] - ended["main"] > 900_000_000  # nanoseconds
