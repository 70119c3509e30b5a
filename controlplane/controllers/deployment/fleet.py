"""The ReplicaSets of one Deployment as a value: the new one, the old ones, and what changing a size means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from controlplane.api.apps_v1 import Deployment, ReplicaSet, ReplicaSetSpec
from controlplane.api.core_v1 import PodTemplateSpec
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta
from controlplane.controllers.deployment.fenceposts import is_rolling, max_surge, replicas
from controlplane.controllers.deployment.history import size_annotations
from controlplane.controllers.deployment.template_hash import LABEL, template_hash
from controlplane.controllers.ownership import controller_reference


@dataclass(frozen=True, slots=True)
class Fleet:
    """`new` has the Deployment's template; None until it is created. `old` are by age, oldest first."""

    new: ReplicaSet | None
    old: tuple[ReplicaSet, ...]

    @property
    def all(self) -> tuple[ReplicaSet, ...]:
        return (*self.old, self.new) if self.new is not None else self.old

    @property
    def active(self) -> tuple[ReplicaSet, ...]:
        return tuple(replica_set for replica_set in self.all if size(replica_set) > 0)

    def sized(self, deployment: Deployment, sizes: dict[str, int]) -> Fleet:
        """Return the fleet with the named ReplicaSets at new sizes, noting what they were sized for."""
        changed = {one.metadata.name: _sized(one, sizes[one.metadata.name], deployment) for one in self.all
                   if one.metadata.name in sizes}  # fmt: skip
        return self.with_changed(changed)

    def with_changed(self, changed: dict[str, ReplicaSet]) -> Fleet:
        new = changed.get(self.new.metadata.name, self.new) if self.new is not None else None
        return Fleet(new, tuple(changed.get(one.metadata.name, one) for one in self.old))


def size(replica_set: ReplicaSet) -> int:
    return 1 if replica_set.spec.replicas is None else replica_set.spec.replicas


def available(replica_set: ReplicaSet) -> int:
    return replica_set.status.available_replicas or 0


def total_size(replica_sets: Iterable[ReplicaSet]) -> int:
    return sum(map(size, replica_sets))


def total_available(replica_sets: Iterable[ReplicaSet]) -> int:
    return sum(map(available, replica_sets))


def fleet_of(deployment: Deployment, replica_sets: Sequence[ReplicaSet]) -> Fleet:
    """Sort out the new ReplicaSet: the oldest whose template is the Deployment's."""
    by_age = sorted(replica_sets, key=age)
    new = next((one for one in by_age if _same_template(deployment.spec.template, one.spec.template)), None)
    return Fleet(new, tuple(one for one in by_age if one is not new))


def age(replica_set: ReplicaSet) -> tuple[str, str]:
    """Return a sort key: oldest first, then by name."""
    return replica_set.metadata.creation_timestamp or "", replica_set.metadata.name


def _same_template(ours: PodTemplateSpec, theirs: PodTemplateSpec) -> bool:
    return ours.spec == theirs.spec and _without_hash(ours) == _without_hash(theirs)


def _without_hash(template: PodTemplateSpec) -> ObjectMeta:
    labels = {key: value for key, value in template.metadata.labels.items() if key != LABEL}
    return replace(template.metadata, labels=labels)


def has_template_of(replica_set: ReplicaSet, deployment: Deployment) -> bool:
    return _same_template(deployment.spec.template, replica_set.spec.template)


def render_replica_set(deployment: Deployment, annotations: dict[str, str], wanted: int) -> ReplicaSet:
    """Return the ReplicaSet to create for the Deployment's template."""
    spec = deployment.spec
    suffix = template_hash(spec.template, deployment.status.collision_count)
    labels = {**spec.template.metadata.labels, LABEL: suffix}
    selector = spec.selector or LabelSelector()
    return ReplicaSet(
        metadata=ObjectMeta(
            name=f"{deployment.metadata.name}-{suffix}",
            namespace=deployment.metadata.namespace,
            labels=labels,
            annotations={**annotations, **size_annotations(deployment)},
            owner_references=[controller_reference(deployment)],
        ),
        spec=ReplicaSetSpec(
            replicas=wanted,
            min_ready_seconds=spec.min_ready_seconds,
            selector=replace(selector, match_labels={**selector.match_labels, LABEL: suffix}),
            template=replace(spec.template, metadata=replace(spec.template.metadata, labels=labels)),
        ),
    )


def new_size(deployment: Deployment, fleet: Fleet) -> int:
    """Return how large the new ReplicaSet may be now: the surge bounds all of them together."""
    current = size(fleet.new) if fleet.new is not None else 0
    wanted = replicas(deployment)
    if not is_rolling(deployment):
        return wanted
    room = wanted + max_surge(deployment) - total_size(fleet.all)
    return current + max(0, min(room, wanted - current)) if room > 0 else current


def _sized(replica_set: ReplicaSet, wanted: int, deployment: Deployment) -> ReplicaSet:
    annotations = {**replica_set.metadata.annotations, **size_annotations(deployment)}
    if size(replica_set) == wanted and annotations == replica_set.metadata.annotations:
        return replica_set
    return msgspec.structs.replace(
        replica_set,
        metadata=replace(replica_set.metadata, annotations=annotations),
        spec=replace(replica_set.spec, replicas=wanted),
    )
