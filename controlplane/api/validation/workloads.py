"""Deployments, ReplicaSets and ReplicationControllers: pods from a template, as many as wanted."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api.apps_v1 import Deployment, DeploymentSpec, ReplicaSet
from controlplane.api.core_v1 import PodTemplateSpec, ReplicationController
from controlplane.api.selectors import labels_selector
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import (
    at_least_zero,
    forbidden,
    immutable,
    invalid,
    not_supported,
    one_of,
    required,
)
from controlplane.api.validation.numbers import is_zero, validate_at_most_all, validate_count_or_percent
from controlplane.api.validation.pods import validate_template
from controlplane.api.validation.selectors import validate_workload_selector

_EMPTY = "empty selector is invalid for deployment"  # ReplicaSets say so too


def validate_lasting_template(
    template: PodTemplateSpec, kind: str, path: str = "spec.template"
) -> Iterator[FieldError]:
    """Check a template whose pods are replaced when they end, so they must not end by themselves."""
    yield from validate_template(template, path)
    if template.spec.restart_policy not in ("", "Always"):
        yield not_supported(f"{path}.spec.restartPolicy", template.spec.restart_policy, ("Always",))
    if template.spec.active_deadline_seconds is not None:
        yield forbidden(f"{path}.spec.activeDeadlineSeconds", f"activeDeadlineSeconds in {kind} is not Supported")


def validate_deployment(deployment: Deployment) -> list[FieldError]:
    spec = deployment.spec
    errors = list(at_least_zero("spec.replicas", spec.replicas))
    errors += validate_workload_selector(spec.selector, spec.template.metadata.labels, "spec", _EMPTY)
    errors += validate_lasting_template(spec.template, "Deployment")
    errors += _validate_strategy(spec)
    errors += at_least_zero("spec.minReadySeconds", spec.min_ready_seconds)
    errors += at_least_zero("spec.revisionHistoryLimit", spec.revision_history_limit)
    if (deadline := spec.progress_deadline_seconds) is not None:
        errors += at_least_zero("spec.progressDeadlineSeconds", deadline)
        if deadline <= (spec.min_ready_seconds or 0):
            errors.append(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return errors


def _validate_strategy(spec: DeploymentSpec) -> Iterator[FieldError]:
    strategy, path = spec.strategy, "spec.strategy"
    if strategy is None:
        return
    yield from one_of(f"{path}.type", strategy.type, ("Recreate", "RollingUpdate"))
    rolling = strategy.rolling_update
    if strategy.type == "Recreate" and rolling is not None:
        yield forbidden(f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    if strategy.type != "RollingUpdate":
        return
    if rolling is None:
        yield required(f"{path}.rollingUpdate", "this should be defaulted and never be nil")
        return
    at = f"{path}.rollingUpdate"
    yield from validate_count_or_percent(rolling.max_unavailable, f"{at}.maxUnavailable")
    yield from validate_count_or_percent(rolling.max_surge, f"{at}.maxSurge")
    if is_zero(rolling.max_unavailable) and is_zero(rolling.max_surge):
        yield invalid(f"{at}.maxUnavailable", rolling.max_unavailable, "may not be 0 when `maxSurge` is 0")
    yield from validate_at_most_all(rolling.max_unavailable, f"{at}.maxUnavailable")


def validate_deployment_update(new: Deployment, old: Deployment) -> list[FieldError]:
    return immutable("spec.selector", new.spec.selector, old.spec.selector)


def validate_deployment_status(new: Deployment, old: Deployment) -> list[FieldError]:
    status, path = new.status, "status"
    errors: list[FieldError] = []
    for field, number in (
        ("observedGeneration", status.observed_generation),
        ("replicas", status.replicas),
        ("updatedReplicas", status.updated_replicas),
        ("readyReplicas", status.ready_replicas),
        ("availableReplicas", status.available_replicas),
        ("unavailableReplicas", status.unavailable_replicas),
        ("collisionCount", status.collision_count),
    ):
        errors += at_least_zero(f"{path}.{field}", number)
    some = (
        ("updatedReplicas", status.updated_replicas),
        ("readyReplicas", status.ready_replicas),
        ("availableReplicas", status.available_replicas),
    )
    errors += _at_most(status.replicas, some)
    if (status.collision_count or 0) < (old.status.collision_count or 0):
        errors.append(invalid(f"{path}.collisionCount", status.collision_count or 0, "cannot be decremented"))
    return errors


def _at_most(replicas: int | None, counts: tuple[tuple[str, int | None], ...]) -> Iterator[FieldError]:
    for field, number in counts:
        if (number or 0) > (replicas or 0):
            yield invalid(f"status.{field}", number, "cannot be greater than status.replicas")


def validate_replica_set(replica_set: ReplicaSet) -> list[FieldError]:
    spec = replica_set.spec
    errors = list(at_least_zero("spec.replicas", spec.replicas))
    errors += at_least_zero("spec.minReadySeconds", spec.min_ready_seconds)
    errors += validate_workload_selector(spec.selector, spec.template.metadata.labels, "spec", _EMPTY)
    errors += validate_lasting_template(spec.template, "ReplicaSet")
    return errors


def validate_replica_set_update(new: ReplicaSet, old: ReplicaSet) -> list[FieldError]:
    return immutable("spec.selector", new.spec.selector, old.spec.selector)


def validate_replicas_status(new: ReplicaSet | ReplicationController, old: object) -> list[FieldError]:
    status = new.status
    counts = (
        ("fullyLabeledReplicas", status.fully_labeled_replicas),
        ("readyReplicas", status.ready_replicas),
        ("availableReplicas", status.available_replicas),
    )
    errors = [error for field, number in counts for error in at_least_zero(f"status.{field}", number)]
    return [*errors, *_at_most(status.replicas, counts)]


def validate_replication_controller(controller: ReplicationController) -> list[FieldError]:
    spec = controller.spec
    errors = list(at_least_zero("spec.replicas", spec.replicas))
    errors += at_least_zero("spec.minReadySeconds", spec.min_ready_seconds)
    if not spec.selector:
        errors.append(required("spec.selector"))
    labels = spec.template.metadata.labels
    if spec.selector and not labels_selector(spec.selector).matches(labels):
        errors.append(invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"))
    errors += validate_lasting_template(spec.template, "ReplicationController")
    return errors
