"""DaemonSets."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api.apps_v1 import DaemonSet, DaemonSetSpec
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import at_least_zero, immutable, invalid, not_supported, required
from controlplane.api.validation.numbers import is_zero, validate_at_most_all, validate_count_or_percent
from controlplane.api.validation.selectors import validate_workload_selector
from controlplane.api.validation.workloads import validate_lasting_template


def validate_daemon_set(daemon_set: DaemonSet) -> list[FieldError]:
    spec = daemon_set.spec
    empty = "empty selector is invalid for daemonset"
    errors = list(validate_workload_selector(spec.selector, spec.template.metadata.labels, "spec", empty))
    errors += validate_lasting_template(spec.template, "DaemonSet")
    errors += at_least_zero("spec.minReadySeconds", spec.min_ready_seconds)
    errors += at_least_zero("spec.revisionHistoryLimit", spec.revision_history_limit)
    errors += _validate_strategy(spec)
    return errors


def _validate_strategy(spec: DaemonSetSpec) -> Iterator[FieldError]:
    strategy, path = spec.update_strategy, "spec.updateStrategy"
    if strategy is None or strategy.type == "OnDelete":
        return
    if strategy.type != "RollingUpdate":
        yield not_supported(path, strategy.type, ("RollingUpdate", "OnDelete"))
        return
    rolling, at = strategy.rolling_update, f"{path}.rollingUpdate"
    if rolling is None:
        yield required(at)
        return
    for field, value in (("maxUnavailable", rolling.max_unavailable), ("maxSurge", rolling.max_surge)):
        yield from validate_count_or_percent(value, f"{at}.{field}")
        yield from validate_at_most_all(value, f"{at}.{field}")
    if is_zero(rolling.max_unavailable) and is_zero(rolling.max_surge):
        yield required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0")
    elif not is_zero(rolling.max_unavailable) and not is_zero(rolling.max_surge):
        yield invalid(f"{at}.maxSurge", rolling.max_surge, "may not be set when maxUnavailable is non-zero")


def validate_daemon_set_update(new: DaemonSet, old: DaemonSet) -> list[FieldError]:
    return immutable("spec.selector", new.spec.selector, old.spec.selector)


def validate_daemon_set_status(new: DaemonSet, old: DaemonSet) -> list[FieldError]:
    status = new.status
    counts = (
        ("currentNumberScheduled", status.current_number_scheduled),
        ("numberMisscheduled", status.number_misscheduled),
        ("desiredNumberScheduled", status.desired_number_scheduled),
        ("numberReady", status.number_ready),
        ("updatedNumberScheduled", status.updated_number_scheduled),
        ("numberAvailable", status.number_available),
        ("numberUnavailable", status.number_unavailable),
        ("observedGeneration", status.observed_generation),
    )
    return [error for field, number in counts for error in at_least_zero(f"status.{field}", number)]
