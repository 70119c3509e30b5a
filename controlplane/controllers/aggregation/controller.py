"""Adds up the rules of aggregated ClusterRoles."""

from __future__ import annotations

from controlplane.api.codec import to_document
from controlplane.api.rbac_v1 import ClusterRole
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.aggregation.plan import aggregated_rules
from controlplane.controllers.environment import Environment, synced


class ClusterRoleAggregation:
    """Keyed by role; any change of any role may change every aggregated one, and there are few of those."""

    def __init__(self, environment: Environment):
        self._client: Client = environment.client_for("clusterrole-aggregation-controller")
        self._queue = environment.queue("ClusterRoleAggregator")
        self._roles = environment.informers.of(ClusterRole)
        self._roles.on_change(self._changed)

    async def run(self) -> None:
        await synced(self._roles)
        self._changed(None, None)
        await Reconciler("clusterrole-aggregation", self.reconcile, self._queue, workers=2).run()

    def _changed(self, _: ClusterRole | None, __: ClusterRole | None) -> None:
        if not self._roles.has_synced():
            return
        for role in self._roles.lister.list():
            if role.aggregation_rule is not None:
                self._queue.add(role.metadata.name)

    async def reconcile(self, name: str) -> None:
        role = self._roles.lister.get("", name)
        if role is None or role.aggregation_rule is None:
            return
        rules = aggregated_rules(role, self._roles.lister.list())
        if rules == role.rules:
            return
        patch = {
            "metadata": {"uid": role.metadata.uid, "resourceVersion": role.metadata.resource_version},
            "rules": [to_document(rule) for rule in rules],
        }
        await self._client.patch(ClusterRole, name, patch)
