"""Reads the caches, asks `plan`, writes ReplicaSets and the status."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from controlplane.api.apps_v1 import Deployment, DeploymentStatus, ReplicaSet
from controlplane.api.core_v1 import Pod
from controlplane.api.selectors import Selector, label_selector
from controlplane.api.status import AlreadyExists, NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.keys import Key, key_of
from controlplane.client.reconcile import Reconciler
from controlplane.controllers import conditions, ownership
from controlplane.controllers.deployment import status as words
from controlplane.controllers.deployment.fleet import fleet_of, has_template_of, size
from controlplane.controllers.deployment.history import REVISION
from controlplane.controllers.deployment.plan import Change, Plan, plan
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.failures import namespace_is_terminating
from controlplane.controllers.pods import has_finished
from controlplane.controllers.written import Written

_NAME = "deployment-controller"


class DeploymentController:
    """Keeps every Deployment on its way to its template."""

    def __init__(self, environment: Environment, *, workers: int = 5):
        self._clock, self._workers = environment.clock, workers
        self._client: Client = environment.client_for(_NAME)
        self._recorder = environment.recorder_for(_NAME, self._client)
        self._queue = environment.queue("deployment")
        self._deployments = environment.informers.of(Deployment)
        by_owner = {ownership.INDEX: ownership.by_controller_or_orphan}
        self._replica_sets = environment.informers.of(ReplicaSet, indexes=by_owner)
        self._pods = environment.informers.of(Pod, indexes=by_owner)
        self._written: Written[Key] = Written(self._replica_sets.lister, environment.clock)
        self._own_written: Written[Key] = Written(self._deployments.lister, environment.clock)
        self._deployments.on_change(self._deployment_changed)
        self._replica_sets.on_change(self._replica_set_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await synced(self._deployments, self._replica_sets, self._pods)
        await Reconciler("deployment", self.reconcile, self._queue, workers=self._workers).run()

    def _deployment_changed(self, old: Deployment | None, new: Deployment | None) -> None:
        self._queue.add(key_of(new or old))

    def _replica_set_changed(self, old: ReplicaSet | None, new: ReplicaSet | None) -> None:
        for replica_set in (old, new):
            owner = self._owner_of(replica_set)
            if owner is None:
                continue
            if new is None:
                self._written.removed(key_of(owner), replica_set)
            self._queue.add(key_of(owner))
        if new is not None and ownership.controller_of(new.metadata) is None:
            self._offer(new)

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        """Recreate waits until the old pods are gone; every other change shows in a ReplicaSet's status."""
        if old is None or (new is not None and not has_finished(new)):
            return
        reference = ownership.controller_of(old.metadata)
        if reference is None or reference.kind != "ReplicaSet":
            return
        owner = self._owner_of(self._replica_sets.lister.get(old.metadata.namespace, reference.name))
        if owner is not None and owner.spec.strategy is not None and owner.spec.strategy.type == "Recreate":
            self._queue.add(key_of(owner))

    def _offer(self, orphan: ReplicaSet) -> None:
        """Wake whoever may adopt the ReplicaSet."""
        for deployment in self._deployments.lister.list(orphan.metadata.namespace):
            if self._selector(deployment).matches(orphan.metadata.labels):
                self._queue.add(key_of(deployment))

    def _owner_of(self, replica_set: ReplicaSet | None) -> Deployment | None:
        reference = ownership.controller_of(replica_set.metadata) if replica_set is not None else None
        if replica_set is None or reference is None or reference.kind != "Deployment":
            return None
        owner = self._deployments.lister.get(replica_set.metadata.namespace, reference.name)
        return owner if owner is not None and owner.metadata.uid == reference.uid else None

    @staticmethod
    def _selector(deployment: Deployment) -> Selector:
        return label_selector(deployment.spec.selector)

    async def reconcile(self, key: Key) -> float | None:
        deployment = self._deployments.lister.get(*key)
        if deployment is None:
            self._written.forget(key)
            self._own_written.forget(key)
            return None  # deleted; the garbage collector owns its ReplicaSets
        if self._written.unseen(key) or self._own_written.unseen(key):
            return 1.0  # the watch event that brings what we wrote comes first
        selector = self._selector(deployment)
        if selector.everything:
            await self._selects_everything(key, deployment)
            return None
        replica_sets = await self._claim(key, deployment, selector)
        running = self._old_pods_running(deployment, replica_sets)
        decided = plan(deployment, replica_sets, self._clock.now(), old_pods_running=running)
        await self._apply(key, deployment, decided)
        return decided.look_again_after

    async def _claim(self, key: Key, deployment: Deployment, selector: Selector) -> list[ReplicaSet]:
        """Return the Deployment's ReplicaSets, after adopting and releasing."""
        claim = ownership.claim(deployment, selector, ownership.candidates(self._replica_sets.lister, deployment))
        kept = list(claim.keep)
        if claim.adopt and await self._still_there(deployment):
            kept += [await ownership.adopt(self._client, deployment, one) for one in claim.adopt]
        for one in claim.release:
            await ownership.release(self._client, deployment, one)
        return kept

    async def _still_there(self, deployment: Deployment) -> bool:
        metadata = deployment.metadata
        try:
            live = await self._client.get(Deployment, metadata.name, metadata.namespace)
        except NotFound:
            return False
        return live.metadata.uid == metadata.uid and live.metadata.deletion_timestamp is None

    def _old_pods_running(self, deployment: Deployment, replica_sets: list[ReplicaSet]) -> bool:
        """Whether Recreate must still wait: even a terminating pod may hold what the new ones need."""
        if deployment.spec.strategy is None or deployment.spec.strategy.type != "Recreate":
            return False
        old = fleet_of(deployment, replica_sets).old
        pods = (pod for one in old for pod in self._pods.lister.by_index(ownership.INDEX, one.metadata.uid))
        return any(not has_finished(pod) for pod in pods)

    async def _apply(self, key: Key, deployment: Deployment, decided: Plan) -> None:
        if decided.create is not None and not await self._create(key, deployment, decided.create):
            return
        for change in decided.change:
            await self._change(key, deployment, change)
        for replica_set in decided.delete:
            await self._delete(key, replica_set)
        await self._write_status(key, deployment, decided.status, decided.revision)

    async def _write_status(
        self, key: Key, deployment: Deployment, status: DeploymentStatus, revision: str = ""
    ) -> None:
        """Write the status, and with it the revision: through this door an annotation makes no new generation."""
        metadata = deployment.metadata
        if revision:
            metadata = msgspec.structs.replace(metadata, annotations={**metadata.annotations, REVISION: revision})
        wanted = msgspec.structs.replace(deployment, metadata=metadata, status=status)
        if wanted != deployment:
            self._own_written.record(key, await self._client.update(wanted, subresource="status"))

    async def _create(self, key: Key, deployment: Deployment, wanted: ReplicaSet) -> bool:
        """Create the new ReplicaSet; return whether it is there now."""
        try:
            created = await self._client.create(wanted)
        except AlreadyExists:
            return await self._name_was_taken(key, deployment, wanted)
        except StatusError as error:
            await self._creation_failed(key, deployment, wanted, error)
            raise
        self._written.record(key, created)
        if size(wanted) > 0:
            self._say_scaled(deployment, wanted, 0, size(wanted))
        return True

    async def _name_was_taken(self, key: Key, deployment: Deployment, wanted: ReplicaSet) -> bool:
        """By ourselves, a moment ago, or by a template with the same hash: then salt the hash and try again."""
        live = await self._client.get(ReplicaSet, wanted.metadata.name, wanted.metadata.namespace)
        if ownership.is_controlled_by(live, deployment) and has_template_of(live, deployment):
            return True
        collisions = (deployment.status.collision_count or 0) + 1
        status = msgspec.structs.replace(deployment.status, collision_count=collisions)
        await self._write_status(key, deployment, status)
        return False  # the change of status brings us back here

    async def _creation_failed(self, key: Key, deployment: Deployment, wanted: ReplicaSet, error: StatusError) -> None:
        message = f'Failed to create new replica set "{wanted.metadata.name}": {error}'
        if namespace_is_terminating(error):
            return
        self._recorder.event(deployment, "Warning", "ReplicaSetCreateError", message)
        if words.has_deadline(deployment):
            failed = words.condition(words.PROGRESSING, "False", "ReplicaSetCreateError", message, self._clock.now())
            found = conditions.put(deployment.status.conditions, failed)
            await self._write_status(key, deployment, msgspec.structs.replace(deployment.status, conditions=found))

    async def _change(self, key: Key, deployment: Deployment, change: Change) -> None:
        self._written.record(key, await self._client.update(change.after))
        if size(change.before) != size(change.after):
            self._say_scaled(deployment, change.after, size(change.before), size(change.after))

    def _say_scaled(self, deployment: Deployment, replica_set: ReplicaSet, before: int, after: int) -> None:
        direction = "up" if after > before else "down"
        message = f"Scaled {direction} replica set {replica_set.metadata.name} from {before} to {after}"
        self._recorder.event(deployment, "Normal", "ScalingReplicaSet", message)

    async def _delete(self, key: Key, replica_set: ReplicaSet) -> None:
        metadata = replica_set.metadata
        with suppress(NotFound):  # somebody else was faster, and that is what was wanted
            await self._client.delete(ReplicaSet, metadata.name, metadata.namespace, uid=metadata.uid)
        self._written.removed(key, replica_set)

    async def _selects_everything(self, key: Key, deployment: Deployment) -> None:
        message = "This deployment is selecting all pods. A non-empty selector is required."
        self._recorder.event(deployment, "Warning", "SelectingAll", message)
        generation = deployment.metadata.generation
        if (deployment.status.observed_generation or 0) < (generation or 0):
            status = msgspec.structs.replace(deployment.status, observed_generation=generation)
            await self._write_status(key, deployment, status)
