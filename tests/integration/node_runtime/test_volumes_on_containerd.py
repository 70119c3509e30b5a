"""Volumes as containers see them, on a real containerd."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from controlplane.api.core_v1 import (
    ConfigMap,
    ConfigMapVolumeSource,
    CSIVolumeSource,
    EmptyDirVolumeSource,
    LocalVolumeSource,
    ObjectReference,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PersistentVolumeClaimVolumeSource,
    PersistentVolumeSpec,
    PodSecurityContext,
    Volume,
    VolumeMount,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.storage_v1 import CSIDriver, CSIDriverSpec
from tests.fakes.csi_driver import NAME, csi_driver
from tests.integration.node_runtime.world import World, a_pod, agent_of
from tests.waiting import until


def _bind_by_hand(world: World, directory: Path) -> None:
    claim = PersistentVolumeClaim(
        metadata=ObjectMeta(name="data", namespace="default", uid="claim"),
        spec=PersistentVolumeClaimSpec(volume_name="pv"),
        status=PersistentVolumeClaimStatus(phase="Bound"),
    )
    spec = PersistentVolumeSpec(local=LocalVolumeSource(path=str(directory)), claim_ref=ObjectReference(uid="claim"))
    world.api.add(PersistentVolume(metadata=ObjectMeta(name="pv"), spec=spec))
    world.api.add(claim)


def _run_id(world: World, pod: str) -> str:
    worker = world.agent.find("default", pod)
    run = worker.runtime.current("c") if worker else None
    return run.id if run and run.running else ""


async def _output(world: World, pod: str, command: str) -> str:
    result = await world.runtime.exec_sync(_run_id(world, pod), ["sh", "-c", command], 10)
    return (result.stdout + result.stderr).decode()


async def test_volumes_of_a_pod_that_is_not_root(world: World) -> None:
    settings = ConfigMap(metadata=ObjectMeta(name="settings", namespace="default"), data={"color": "blue"})
    world.api.add(settings)
    data = world.root / "data"
    data.mkdir(mode=0o755)
    _bind_by_hand(world, data)
    claim = PersistentVolumeClaimVolumeSource(claim_name="data")
    volumes = [
        Volume(name="cfg", config_map=ConfigMapVolumeSource(name="settings")),
        Volume(name="scratch", empty_dir=EmptyDirVolumeSource()),
        Volume(name="data", persistent_volume_claim=claim),
    ]
    mounted = [
        VolumeMount(name="cfg", mount_path="/cfg"),
        VolumeMount(name="cfg", mount_path="/color", sub_path="color"),
        VolumeMount(name="scratch", mount_path="/scratch", sub_path="made/for/me"),
        VolumeMount(name="data", mount_path="/data"),
    ]
    context = PodSecurityContext(run_as_user=1000, run_as_group=1000, fs_group=2000)
    async with agent_of(world):
        world.api.add(a_pod("v", container={"volume_mounts": mounted}, volumes=volumes, security_context=context))
        await until(lambda: world.is_ready("v"))
        assert await _output(world, "v", "echo a >/scratch/f; echo b >/data/f; cat /scratch/f /data/f") == "a\nb\n"
        assert (data / "f").stat().st_gid == 2000
        assert "Read-only file system" in await _output(world, "v", "touch /cfg/new")

        world.api.update(replace(settings, data={"color": "red"}))
        pods = world.root / "kubelet" / "pods" / world.pod("v").metadata.uid
        written = pods / "volumes" / "kubernetes.io~configmap" / "cfg" / "color"
        await until(lambda: written.read_text() == "red")
        assert await _output(world, "v", "cat /color") == "blue"
        first = _run_id(world, "v")
        await world.runtime.stop_container(first, 1)
        await until(lambda: _run_id(world, "v") not in ("", first))
        assert await _output(world, "v", "cat /color /scratch/f") == "reda\n"

        await world.delete("v")
        await until(lambda: not world.agent.workers())
        assert not pods.exists()
        assert (data / "f").read_text() == "b\n"


async def test_a_csi_volume_reaches_the_container(world: World) -> None:
    spec = CSIDriverSpec(volume_lifecycle_modes=["Ephemeral"], fs_group_policy="File")
    world.api.add(CSIDriver(metadata=ObjectMeta(name=NAME), spec=spec))
    volumes = [Volume(name="v", csi=CSIVolumeSource(driver=NAME))]
    mounted = [VolumeMount(name="v", mount_path="/data")]
    context = PodSecurityContext(run_as_user=1000, run_as_group=1000, fs_group=2000)
    with csi_driver(world.root / "driver", world.root / "registry") as driver:
        async with agent_of(world):
            world.api.add(a_pod("v", container={"volume_mounts": mounted}, volumes=volumes, security_context=context))
            await until(lambda: "FailedMount" in world.events.reasons("v"))  # the driver is not there yet
            await world.agent.csi_drivers.register(NAME, str(driver.socket), driver.versions)
            await until(lambda: world.is_ready("v"))
            assert await _output(world, "v", "echo a >/data/f; cat /data/f") == "a\n"
            handle = driver.request("NodePublishVolume").volume_id
            assert (driver.volume(handle) / "f").read_text() == "a\n"
            await world.delete("v")
            await until(lambda: not world.agent.workers())
            assert driver.asked() == ["Publish", "Unpublish"]
