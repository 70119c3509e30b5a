"""Reads the caches, asks `plan`, creates and deletes pods, writes the status."""

from __future__ import annotations

import asyncio
from typing import Any

from controlplane.api.apps_v1 import ReplicaSet
from controlplane.api.core_v1 import Pod
from controlplane.api.selectors import Selector, label_selector
from controlplane.api.status import NotFound, StatusError
from controlplane.client.keys import Key, key_of
from controlplane.client.reconcile import Reconciler
from controlplane.client.transport import Unreachable
from controlplane.controllers import ownership
from controlplane.controllers.batches import slow_start
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.expectations import Expectations
from controlplane.controllers.failures import namespace_is_terminating
from controlplane.controllers.pods import is_active, is_terminating
from controlplane.controllers.replicaset.kinds import REPLICA_SET, Kind
from controlplane.controllers.replicaset.plan import Plan, plan, render_pod
from controlplane.controllers.replicaset.status import Failure, next_look, status
from controlplane.controllers.written import Written


class ReplicaSetController:
    """Runs one of the two kinds that keep replicas."""

    def __init__(self, environment: Environment, *, kind: Kind = REPLICA_SET, workers: int = 5):
        self._kind, self._workers, self._clock = kind, workers, environment.clock
        self._client = environment.client_for(kind.component)
        self._recorder = environment.recorder_for(kind.component, self._client)
        self._queue = environment.queue(kind.name)
        self._expectations: Expectations[Key] = Expectations(environment.clock)
        self._owners = environment.informers.of(kind.type, indexes={ownership.INDEX: ownership.by_controller_or_orphan})
        self._written: Written[Key] = Written(self._owners.lister, environment.clock)
        self._pods = environment.informers.of(Pod, indexes={ownership.INDEX: ownership.by_controller_or_orphan})
        self._owners.on_change(self._owner_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await synced(self._owners, self._pods)
        await Reconciler(self._kind.name, self.reconcile, self._queue, workers=self._workers).run()

    def _owner_changed(self, old: Any, new: Any) -> None:
        if new is None or (old is not None and old.metadata.uid != new.metadata.uid):
            self._expectations.forget(key_of(old))
        self._queue.add(key_of(new if new is not None else old))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        assert pod is not None
        owner = self._owner_of(pod)
        if owner is not None:
            self._observed(key_of(owner), old, new, pod)
            self._queue.add(key_of(owner))
        elif new is not None and ownership.controller_of(new.metadata) is None:
            self._offer(new)
        if old is not None and new is not None:
            previous = self._owner_of(old)
            if previous is not None and previous is not owner:
                self._queue.add(key_of(previous))

    def _observed(self, key: Key, old: Pod | None, new: Pod | None, pod: Pod) -> None:
        if new is None or is_terminating(new):
            self._expectations.deletion_observed(key, pod.metadata.uid)
        if old is None:
            self._expectations.creation_observed(key)

    def _offer(self, orphan: Pod) -> None:
        """Wake whoever may adopt the pod."""
        for owner in self._owners.lister.list(orphan.metadata.namespace):
            if self._selector(self._kind.read(owner)).matches(orphan.metadata.labels):
                self._queue.add(key_of(owner))

    def _owner_of(self, pod: Pod) -> Any:
        reference = ownership.controller_of(pod.metadata)
        if reference is None:
            return None
        owner = self._owners.lister.get(pod.metadata.namespace, reference.name)
        return owner if owner is not None and owner.metadata.uid == reference.uid else None

    def _selector(self, replica_set: ReplicaSet) -> Selector:
        return label_selector(replica_set.spec.selector)

    async def reconcile(self, key: Key) -> float | None:
        owner = self._owners.lister.get(*key)
        if owner is None:
            self._expectations.forget(key)
            self._written.forget(key)
            return None  # deleted; the garbage collector owns its pods
        replica_set = self._kind.read(owner)
        counts = self._expectations.satisfied(key)
        pods = await self._claim(owner, self._selector(replica_set))
        failure = None
        if counts and replica_set.metadata.deletion_timestamp is None:
            failure = await self._scale(key, owner, replica_set, pods)
        await self._write_status(key, owner, replica_set, pods, failure)
        if failure is not None:
            raise failure.error
        return next_look(replica_set, pods, self._clock.now())

    async def _claim(self, owner: Any, selector: Selector) -> list[Pod]:
        """Return the pods that are the owner's, after adopting and releasing."""
        claim = ownership.claim(owner, selector, ownership.candidates(self._pods.lister, owner))
        pods = list(claim.keep)
        adoptable = [pod for pod in claim.adopt if is_active(pod)]
        if adoptable and await self._still_there(owner):
            pods += [await ownership.adopt(self._client, owner, pod) for pod in adoptable]
        for pod in claim.release:
            await ownership.release(self._client, owner, pod)
        return pods

    async def _still_there(self, owner: Any) -> bool:
        """Ask the server itself: adopting for an owner that is gone would get the pods deleted."""
        try:
            live = await self._client.get(self._kind.type, owner.metadata.name, owner.metadata.namespace)
        except NotFound:
            return False
        same: bool = live.metadata.uid == owner.metadata.uid and live.metadata.deletion_timestamp is None
        return same

    async def _scale(self, key: Key, owner: Any, replica_set: ReplicaSet, pods: list[Pod]) -> Failure | None:
        active = [pod for pod in pods if is_active(pod)]
        decided = plan(replica_set, active, self._related(owner, pods), self._clock.now())
        if decided.create:
            return await self._create(key, owner, replica_set, decided.create)
        if decided.delete:
            return await self._delete(key, owner, decided)
        return None

    def _related(self, owner: Any, pods: list[Pod]) -> list[Pod]:
        """Return the pods of every ReplicaSet that has the same controller (a Deployment) as this one."""
        controller = ownership.controller_of(owner.metadata)
        if controller is None:
            return pods
        siblings = self._owners.lister.by_index(ownership.INDEX, controller.uid)
        return [
            pod for sibling in siblings for pod in self._pods.lister.by_index(ownership.INDEX, sibling.metadata.uid)
        ]

    async def _create(self, key: Key, owner: Any, replica_set: ReplicaSet, count: int) -> Failure | None:
        pod = render_pod(replica_set, owner)

        async def attempt() -> None:
            try:
                created = await self._client.create(pod)
            except (StatusError, Unreachable) as error:
                self._expectations.creation_observed(key)
                self._failed(owner, "FailedCreate", f"Error creating: {error}", error)
                raise
            self._recorder.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {created.metadata.name}")

        self._expectations.expect_creations(key, count)
        outcome = await slow_start(count, attempt)
        self._expectations.creation_observed(key, outcome.skipped)
        if outcome.failure is None or namespace_is_terminating(outcome.failure):
            return None
        return Failure("FailedCreate", outcome.failure)

    async def _delete(self, key: Key, owner: Any, decided: Plan) -> Failure | None:
        self._expectations.expect_deletions(key, (pod.metadata.uid for pod in decided.delete))
        results = await asyncio.gather(*(self._delete_one(key, owner, pod) for pod in decided.delete))
        return next((Failure("FailedDelete", error) for error in results if error is not None), None)

    async def _delete_one(self, key: Key, owner: Any, pod: Pod) -> Exception | None:
        name = pod.metadata.name
        try:
            await self._client.delete(Pod, name, pod.metadata.namespace, uid=pod.metadata.uid)
        except NotFound:
            self._expectations.deletion_observed(key, pod.metadata.uid)
        except (StatusError, Unreachable) as error:
            self._expectations.deletion_observed(key, pod.metadata.uid)
            self._failed(owner, "FailedDelete", f"Error deleting: {error}", error)
            return error
        else:
            self._recorder.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {name}")
        return None

    def _failed(self, owner: Any, reason: str, message: str, error: Exception) -> None:
        if not namespace_is_terminating(error):
            self._recorder.event(owner, "Warning", reason, message)

    async def _write_status(
        self, key: Key, owner: Any, replica_set: ReplicaSet, pods: list[Pod], failure: Failure | None
    ) -> None:
        if self._written.unseen(key):
            return  # the event that brings what we wrote brings us back
        wanted = self._kind.with_status(owner, status(replica_set, pods, failure, self._clock.now()))
        if wanted.status != owner.status:
            self._written.record(key, await self._client.update(wanted, subresource="status"))
