"""How many pods there should be: what the controllers of a budget's pods are scaled to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controlplane.api.apps_v1 import Deployment, ReplicaSet, StatefulSet
from controlplane.api.autoscaling_v1 import Scale
from controlplane.api.codec import decode
from controlplane.api.core_v1 import Pod, ReplicationController
from controlplane.api.meta_v1 import OwnerReference
from controlplane.api.resources import BY_KIND
from controlplane.api.status import NotFound
from controlplane.client.client import Client
from controlplane.client.informer import Informer
from controlplane.controllers.discovery import Discovery
from controlplane.controllers.environment import Environment
from controlplane.controllers.ownership import controller_of


class NotTold(Exception):
    """Nobody says how many pods there should be."""


class Scales:
    """Reads the kinds that keep pods from caches, and asks the server for the scale of any other."""

    def __init__(self, environment: Environment, client: Client):
        informers = environment.informers
        self._client, self._discovery = client, Discovery(client, environment.clock)
        self._deployments = informers.of(Deployment)
        self._replica_sets = informers.of(ReplicaSet)
        self._controllers = informers.of(ReplicationController)
        self._stateful_sets = informers.of(StatefulSet)

    @property
    def informers(self) -> Sequence[Informer[Deployment | ReplicaSet | ReplicationController | StatefulSet]]:
        return (self._deployments, self._replica_sets, self._controllers, self._stateful_sets)  # type: ignore[return-value]

    async def expected(self, pods: Iterable[Pod]) -> int:
        """Return the sum of the scales of everything that controls one of the pods. Raises NotTold, StatusError."""
        owners: dict[str, tuple[OwnerReference, Pod]] = {}
        for pod in pods:
            if (owner := controller_of(pod.metadata)) is not None:
                owners.setdefault(owner.uid, (owner, pod))
        scales: dict[str, int] = {}  # a Deployment counts once, however many ReplicaSets it has
        for owner, pod in owners.values():
            found = self._known(owner, pod.metadata.namespace) or await self._asked(owner, pod.metadata.namespace)
            if found is None:
                raise NotTold(f'found no controllers for pod "{pod.metadata.name}"')
            scales[found[0]] = found[1]
        return sum(scales.values())

    def _known(self, owner: OwnerReference, namespace: str) -> tuple[str, int] | None:
        """Return the UID of what decides, and its scale."""
        group, kind = owner.api_version.rpartition("/")[0], owner.kind
        found: Deployment | ReplicaSet | ReplicationController | StatefulSet | None = None
        if (group, kind) == ("apps", "ReplicaSet"):
            found = self._deciding(owner, namespace)
        elif (group, kind) == ("apps", "StatefulSet"):
            found = self._stateful_sets.lister.get(namespace, owner.name)
        elif (group, kind) == ("", "ReplicationController"):
            found = self._controllers.lister.get(namespace, owner.name)
        if found is None or (found.metadata.uid != owner.uid and not isinstance(found, Deployment)):
            return None
        replicas = found.spec.replicas
        return found.metadata.uid, 1 if replicas is None else replicas

    def _deciding(self, owner: OwnerReference, namespace: str) -> Deployment | ReplicaSet | None:
        """Return the Deployment of a ReplicaSet that has one, for it says how many there are, else the ReplicaSet."""
        replica_set = self._replica_sets.lister.get(namespace, owner.name)
        if replica_set is None or replica_set.metadata.uid != owner.uid:
            return None
        above = controller_of(replica_set.metadata)
        if above is None or above.kind != "Deployment":
            return replica_set
        deployment = self._deployments.lister.get(namespace, above.name)
        return deployment if deployment is not None and deployment.metadata.uid == above.uid else None

    async def _asked(self, owner: OwnerReference, namespace: str) -> tuple[str, int] | None:
        path = await self._path(owner, namespace)
        if path is None:
            return None
        try:
            scale = decode((await self._client.request("GET", f"{path}/scale")).body, Scale)
        except NotFound:
            return None
        if scale.metadata.uid != owner.uid:
            return None
        return owner.uid, scale.spec.replicas or 0

    async def _path(self, owner: OwnerReference, namespace: str) -> str | None:
        built_in = BY_KIND.get((owner.api_version, owner.kind))
        if built_in is not None:
            if "scale" not in built_in.subresources:
                raise NotTold(f"{built_in.group_resource} does not implement the scale subresource")
            return built_in.path(namespace, owner.name)
        group = owner.api_version.rpartition("/")[0]
        served = await self._discovery.served()
        kinds = (one for one in served.resources if (one.group, one.kind) == (group, owner.kind))
        return next((one.path(namespace, owner.name) for one in kinds), None)
