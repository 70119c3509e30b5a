"""Follows budgets and pods, and writes what `plan` says into the budgets' status."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from controlplane.api.core_v1 import Pod
from controlplane.api.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetStatus
from controlplane.api.selectors import NOTHING, Selector, SelectorError, label_selector
from controlplane.api.status import Conflict, NotFound, StatusError
from controlplane.client.keys import Key, key_of
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.disruption.plan import disrupted, failed, needs_scale, no_target, stale_after, status
from controlplane.controllers.disruption.scales import NotTold, Scales
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.ownership import controller_of

_NAME = "disruption-controller"
_COMPONENT = "controllermanager"
_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of "
    "the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please "
    'set ".spec.minAvailable" field of the PDB to an integer value.'
)


class DisruptionController:
    """Keyed by budget; a second queue has pods that were to be disrupted and stayed."""

    def __init__(self, environment: Environment):
        self._clock = environment.clock
        self._client = environment.client_for(_NAME)
        self._recorder = environment.recorder_for(_COMPONENT, self._client)
        self._queue = environment.queue("disruption")
        self._stale = environment.queue("stale_pod_disruption")
        self._scales = Scales(environment, self._client)
        self._budgets = environment.informers.of(PodDisruptionBudget)
        self._pods = environment.informers.of(Pod)
        self._budgets.on_change(self._budget_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await synced(self._budgets, self._pods, *self._scales.informers)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Reconciler("disruption", self.reconcile, self._queue).run())
            tasks.create_task(Reconciler("disruption-stale", self.reconcile_stale, self._stale).run())

    def _budget_changed(self, old: PodDisruptionBudget | None, new: PodDisruptionBudget | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        assert pod is not None
        labels = [one.metadata.labels for one in (old, new) if one is not None]
        for budget in self._budgets.lister.list(pod.metadata.namespace):
            selector = _selector(budget)
            if any(map(selector.matches, labels)):
                self._queue.add(key_of(budget))
        if new is not None and (after := stale_after(new, self._clock.now())) is not None:
            self._stale.add_after(key_of(new), after)

    async def reconcile(self, key: Key) -> float | None:
        budget = self._budgets.lister.get(*key)
        if budget is None:
            return None
        selector = _selector(budget)
        pods = [pod for pod in self._pods.lister.list(key.namespace) if selector.matches(pod.metadata.labels)]
        if not pods:
            self._recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        now = self._clock.now()
        try:
            expected = await self._expected(budget, pods)
        except Conflict:
            raise
        except (NotTold, StatusError) as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self._recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", message)
            await self._write(budget, failed(budget, str(error), now))
            return None
        going = disrupted(budget, pods, now)
        for pod in going.stayed:
            message = f"Pod was expected by PDB {key.namespace}/{key.name} to be deleted but it wasn't"
            self._recorder.event(pod, "Warning", "NotDeleted", message)
        await self._write(budget, status(budget, pods, expected, going.pending, now))
        return going.recheck

    async def _expected(self, budget: PodDisruptionBudget, pods: list[Pod]) -> int:
        if not needs_scale(budget.spec):
            return len(pods) if budget.spec.min_available is not None else 0
        expected = await self._scales.expected(pods)
        if any(controller_of(pod.metadata) is None for pod in pods):
            self._recorder.event(budget, "Warning", "UnmanagedPods", _UNMANAGED.format(_selector(budget)))
        return expected

    async def _write(self, budget: PodDisruptionBudget, wanted: PodDisruptionBudgetStatus) -> None:
        if wanted != budget.status:
            await self._client.update(replace(budget, status=wanted), subresource="status")

    async def reconcile_stale(self, key: Key) -> float | None:
        pod = self._pods.lister.get(*key)
        after = stale_after(pod, self._clock.now()) if pod is not None else None
        if pod is None or after is None:
            return None
        if after > 0:
            return after
        try:
            await self._client.update(replace(pod, status=no_target(pod, self._clock.now())), subresource="status")
        except NotFound:
            return None
        return None


def _selector(budget: PodDisruptionBudget) -> Selector:
    try:
        return label_selector(budget.spec.selector)
    except SelectorError:
        return NOTHING
