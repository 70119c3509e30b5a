"""StatefulSets."""

from __future__ import annotations

from msgspec.structs import replace

from controlplane.api.apps_v1 import StatefulSet
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import at_least_zero, forbidden, invalid, not_supported, required
from controlplane.api.validation.selectors import validate_workload_selector
from controlplane.api.validation.workloads import validate_lasting_template

_MAY_CHANGE = (
    "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'"
)


def validate_stateful_set(stateful_set: StatefulSet) -> list[FieldError]:
    spec = stateful_set.spec
    errors = _validate_policies(stateful_set)
    errors += at_least_zero("spec.replicas", spec.replicas)
    errors += at_least_zero("spec.minReadySeconds", spec.min_ready_seconds)
    errors += at_least_zero("spec.revisionHistoryLimit", spec.revision_history_limit)
    if spec.ordinals is not None:
        errors += at_least_zero("spec.ordinals.start", spec.ordinals.start)
    empty = "empty selector is invalid for statefulset"
    errors += validate_workload_selector(spec.selector, spec.template.metadata.labels, "spec", empty)
    errors += validate_lasting_template(spec.template, "StatefulSet")
    return errors


def _validate_policies(stateful_set: StatefulSet) -> list[FieldError]:
    spec, errors = stateful_set.spec, []
    if not spec.pod_management_policy:
        errors.append(required("spec.podManagementPolicy"))
    elif spec.pod_management_policy not in ("OrderedReady", "Parallel"):
        why = "must be 'OrderedReady' or 'Parallel'"
        errors.append(invalid("spec.podManagementPolicy", spec.pod_management_policy, why))
    strategy = spec.update_strategy
    if strategy is None or not strategy.type:
        errors.append(required("spec.updateStrategy"))
    elif strategy.type == "OnDelete":
        if strategy.rolling_update is not None:
            why = "only allowed for updateStrategy 'RollingUpdate'"
            errors.append(invalid("spec.updateStrategy.rollingUpdate", strategy.rolling_update, why))
    elif strategy.type != "RollingUpdate":
        errors.append(invalid("spec.updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'"))
    elif strategy.rolling_update is not None:
        errors += at_least_zero("spec.updateStrategy.rollingUpdate.partition", strategy.rolling_update.partition)
    retention = spec.persistent_volume_claim_retention_policy
    if retention is not None:
        for field, value in (("whenDeleted", retention.when_deleted), ("whenScaled", retention.when_scaled)):
            if value not in ("Retain", "Delete"):
                path = f"spec.persistentVolumeClaimRetentionPolicy.{field}"
                errors.append(not_supported(path, value, ("Retain", "Delete")))
    return errors


def validate_stateful_set_update(new: StatefulSet, old: StatefulSet) -> list[FieldError]:
    ours = new.spec
    allowed = replace(
        old.spec,
        replicas=ours.replicas,
        ordinals=ours.ordinals,
        template=ours.template,
        update_strategy=ours.update_strategy,
        revision_history_limit=ours.revision_history_limit,
        persistent_volume_claim_retention_policy=ours.persistent_volume_claim_retention_policy,
        min_ready_seconds=ours.min_ready_seconds,
    )
    if ours == allowed:
        return []
    return [forbidden("spec", f"updates to statefulset spec for fields other than {_MAY_CHANGE} are forbidden")]


def validate_stateful_set_status(new: StatefulSet, old: StatefulSet) -> list[FieldError]:
    status = new.status
    counts = (
        ("replicas", status.replicas),
        ("readyReplicas", status.ready_replicas),
        ("currentReplicas", status.current_replicas),
        ("updatedReplicas", status.updated_replicas),
        ("availableReplicas", status.available_replicas),
    )
    errors = [error for field, number in counts for error in at_least_zero(f"status.{field}", number)]
    for field, number in counts[1:]:
        if (number or 0) > (status.replicas or 0):
            errors.append(invalid(f"status.{field}", number, "cannot be greater than status.replicas"))
    return errors
