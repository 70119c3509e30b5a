"""Writes the warnings into the policies' status."""

from __future__ import annotations

from msgspec.structs import replace

from controlplane.api.admissionregistration_v1 import ValidatingAdmissionPolicy
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.environment import Environment, synced

_COMPONENT = "validatingadmissionpolicy-status-controller"


class PolicyStatusController:
    """Keyed by policy."""

    def __init__(self, environment: Environment):
        self._client: Client = environment.client_for(_COMPONENT)
        self._queue = environment.queue("validating_admission_policy_status")
        self._policies = environment.informers.of(ValidatingAdmissionPolicy)
        self._policies.on_change(self._changed)

    async def run(self) -> None:
        await synced(self._policies)
        await Reconciler("policystatus", self.reconcile, self._queue).run()

    def _changed(self, _: ValidatingAdmissionPolicy | None, new: ValidatingAdmissionPolicy | None) -> None:
        if new is not None:
            self._queue.add(new.metadata.name)

    async def reconcile(self, name: str) -> None:
        # Only now, so that a cluster without policies does not load what compiles expressions.
        from controlplane.controllers.policystatus.plan import plan

        policy = self._policies.lister.get("", name)
        status = None if policy is None else plan(policy)
        if policy is not None and status is not None:
            await self._client.update(replace(policy, status=status), subresource="status")
