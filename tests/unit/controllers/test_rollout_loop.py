"""Deployment and ReplicaSet controllers together, against an API that behaves."""

from __future__ import annotations

from msgspec.structs import replace

from controlplane.api.apps_v1 import Deployment, ReplicaSet
from controlplane.api.core_v1 import Pod, PodCondition, PodStatus
from controlplane.controllers.deployment.controller import DeploymentController
from controlplane.controllers.replicaset.controller import ReplicaSetController
from controlplane.kit.timestamps import format_time
from tests.unit.controllers.objects import a_deployment, a_template
from tests.unit.controllers.world import World


def make_ready(world: World) -> int:
    """Play the node agent: every pod that is not ready becomes so."""
    made = 0
    for pod in world.api.list(Pod):
        if not pod.status.conditions:
            ready = PodCondition(type="Ready", status="True", last_transition_time=format_time(world.clock.now()))
            world.api.update(replace(pod, status=PodStatus(phase="Running", conditions=[ready])))
            made += 1
    return made


async def run_until_quiet(world: World) -> None:
    await world.settle()
    while make_ready(world):
        await world.settle()


def images(world: World) -> list[str]:
    return sorted(pod.spec.containers[0].image for pod in world.api.list(Pod))


async def test_from_nothing_to_three_pods_and_a_finished_rollout() -> None:
    world = World()
    async with world.running(DeploymentController(world.environment), ReplicaSetController(world.environment)):
        world.api.add(a_deployment(replicas=3))
        await run_until_quiet(world)

        deployment = world.api.get(Deployment, "web", "default")
        (replica_set,) = world.api.list(ReplicaSet)
        assert deployment is not None
        assert images(world) == ["nginx:1"] * 3
        assert deployment.metadata.annotations["deployment.kubernetes.io/revision"] == "1"
        assert (deployment.status.ready_replicas, deployment.status.updated_replicas) == (3, 3)
        assert {one.type: one.reason for one in deployment.status.conditions} == {
            "Available": "MinimumReplicasAvailable",
            "Progressing": "NewReplicaSetAvailable",
        }
        name = replica_set.metadata.name
        assert world.events.told[0] == f"Normal ScalingReplicaSet Scaled up replica set {name} from 0 to 3"
        assert sum("SuccessfulCreate" in told for told in world.events.told) == 3


async def test_a_new_template_replaces_every_pod_and_undo_goes_back() -> None:
    world = World()
    async with world.running(DeploymentController(world.environment), ReplicaSetController(world.environment)):
        world.api.add(a_deployment(replicas=4))
        await run_until_quiet(world)
        for image, revision, sets in (("nginx:2", "2", 2), ("nginx:1", "3", 2)):
            current = world.api.get(Deployment, "web", "default")
            assert current is not None
            world.api.update(replace(current, spec=replace(current.spec, template=a_template(image))))
            await run_until_quiet(world)

            current = world.api.get(Deployment, "web", "default")
            assert current is not None
            assert images(world) == [image] * 4
            assert current.metadata.annotations["deployment.kubernetes.io/revision"] == revision
            assert len(world.api.list(ReplicaSet)) == sets
            assert current.status.observed_generation == current.metadata.generation
        histories = [one.metadata.annotations.get("deployment.kubernetes.io/revision-history") for one in
                     world.api.list(ReplicaSet)]  # fmt: skip
        assert sorted(map(str, histories)) == ["1", "None"]


async def test_nothing_is_written_once_all_is_as_it_should_be() -> None:
    world = World()
    async with world.running(DeploymentController(world.environment), ReplicaSetController(world.environment)):
        world.api.add(a_deployment(replicas=2))
        await run_until_quiet(world)
        before = len(world.api.writes())
        world.api.break_watches()
        await world.settle(700)
        assert world.api.writes()[before:] == []


async def test_fifty_pods_are_created_in_few_round_trips() -> None:
    world = World()
    async with world.running(DeploymentController(world.environment), ReplicaSetController(world.environment)):
        world.api.add(a_deployment(replicas=50))
        await world.settle()
        assert len(world.api.list(Pod)) == 50
        assert sum(asked.method == "POST" and asked.path.endswith("/pods") for asked in world.api.requests) == 50
