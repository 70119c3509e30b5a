"""What a Job's status may say, and how it may change: clients and other controllers rely on its end being the end.

Most rules hold only for what an update changes: a status that was odd before (the spec has changed since) does not
stand in the way of repairing it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controlplane.api import job_indexes
from controlplane.api.batch_v1 import Job, JobCondition, JobStatus
from controlplane.api.job_indexes import IndexesError
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import at_least_zero, duplicate, invalid, required, wrong

_CONDITIONS = "status.conditions"


def is_true(conditions: Sequence[JobCondition], type_: str) -> bool:
    return any(one.type == type_ and one.status == "True" for one in conditions)


def validate_job_status(new: Job, old: Job) -> list[FieldError]:
    return [
        *_validate_counts(new.status),
        *_validate_uncounted(new.status),
        *_validate_end(new, old),
        *_validate_finished(new, old),
        *_validate_indexes(new, old),
        *_validate_success(new, old),
        *_validate_transition(new, old),
    ]


def _has(job: Job, type_: str) -> bool:
    return is_true(job.status.conditions, type_)


def _finished(job: Job) -> bool:
    return _has(job, "Complete") or _has(job, "Failed")


def _changed(new: Job, old: Job, *fields: str) -> bool:
    return any(getattr(new.status, field) != getattr(old.status, field) for field in fields)


def _validate_counts(status: JobStatus) -> Iterator[FieldError]:
    for field, number in (
        ("active", status.active),
        ("succeeded", status.succeeded),
        ("failed", status.failed),
        ("ready", status.ready),
        ("terminating", status.terminating),
    ):
        yield from at_least_zero(f"status.{field}", number)


def _validate_uncounted(status: JobStatus) -> Iterator[FieldError]:
    pods = status.uncounted_terminated_pods
    if pods is None:
        return
    seen: set[str] = set()
    for field, uids in (("succeeded", pods.succeeded), ("failed", pods.failed)):
        for index, uid in enumerate(uids):
            at = f"status.uncountedTerminatedPods.{field}[{index}]"
            if not uid:
                yield invalid(at, uid, "must not be empty")
            elif uid in seen:
                yield duplicate(at, uid)
            seen.add(uid)


def _turned(new: Job, old: Job, *types: str) -> bool:
    """Return whether one of these conditions became true or ceased to be."""
    return any(_has(new, type_) != _has(old, type_) for type_ in types)


def _validate_end(new: Job, old: Job) -> Iterator[FieldError]:
    for other, text in (("Failed", "Failed=true"), ("FailureTarget", "FailureTarget=true")):
        if _turned(new, old, "Complete", other) and _has(new, "Complete") and _has(new, other):
            yield wrong(_CONDITIONS, f"cannot set Complete=True and {text} conditions")
    for end, before in (("Failed", "FailureTarget"), ("Complete", "SuccessCriteriaMet")):
        if _turned(new, old, end) and _has(new, end) and not _has(new, before):
            yield wrong(_CONDITIONS, f"cannot set {end}=True condition without the {before}=true condition")
    yield from _validate_completion_time(new, old)


def _validate_completion_time(new: Job, old: Job) -> Iterator[FieldError]:
    started, completed, at = new.status.start_time, new.status.completion_time, "status.completionTime"
    if _turned(new, old, "Complete") or _changed(new, old, "completion_time"):
        if completed and not _has(new, "Complete"):
            yield invalid(at, completed, "cannot set completionTime when there is no Complete=True condition")
        if not completed and _has(new, "Complete"):
            yield required(at, "completionTime is required for Complete jobs")
    changed = _changed(new, old, "start_time", "completion_time")
    if changed and started and completed and completed < started:
        yield invalid(at, completed, "completionTime cannot be set before startTime")


def _validate_finished(new: Job, old: Job) -> Iterator[FieldError]:
    status, finished = new.status, _finished(new)
    just = finished != _finished(old)
    if finished and (just or _changed(new, old, "active")) and (status.active or 0) > 0:
        yield invalid("status.active", status.active, "active>0 is invalid for finished job")
    if finished and (just or _changed(new, old, "start_time")) and not status.start_time:
        yield required("status.startTime", "startTime is required for finished job")
    pods = status.uncounted_terminated_pods
    uncounted = pods is not None and bool(pods.failed or pods.succeeded)
    if finished and (just or _changed(new, old, "uncounted_terminated_pods")) and uncounted:
        why = "uncountedTerminatedPods needs to be empty for finished job"
        yield invalid("status.uncountedTerminatedPods", pods, why)
    if finished and (just or _changed(new, old, "terminating")) and (status.terminating or 0) > 0:
        yield invalid("status.terminating", status.terminating, "terminating>0 is invalid for finished job")
    if _changed(new, old, "ready", "active") and (status.ready or 0) > (status.active or 0):
        yield invalid("status.ready", status.ready, "cannot set more ready pods than active")


def _validate_indexes(new: Job, old: Job) -> Iterator[FieldError]:
    status, spec = new.status, new.spec
    completed_changed = _changed(new, old, "completed_indexes")
    failed_changed = _changed(new, old, "failed_indexes")
    if spec.completions is not None:
        yield from _validate_format(new, completed=completed_changed, failed=failed_changed)
    if completed_changed and status.completed_indexes and spec.completion_mode != "Indexed":
        why = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield invalid("status.completedIndexes", status.completed_indexes, why)
    if failed_changed and status.failed_indexes and spec.backoff_limit_per_index is None:
        why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield invalid("status.failedIndexes", status.failed_indexes, why)


def _validate_format(job: Job, *, completed: bool, failed: bool) -> Iterator[FieldError]:
    status, completions = job.status, job.spec.completions or 0
    found = {}
    for field, text, changed in (
        ("completedIndexes", status.completed_indexes, completed),
        ("failedIndexes", status.failed_indexes, failed),
    ):
        try:
            found[field] = job_indexes.parse(text, completions)
        except IndexesError as error:
            if changed:
                yield invalid(f"status.{field}", text, f"error parsing {field}: {error}")
    if (completed or failed) and len(found) == 2:
        shared = job_indexes.overlap(found["completedIndexes"], found["failedIndexes"])
        if shared is not None:
            why = f"failedIndexes and completedIndexes overlap at index: {shared}"
            yield invalid("status.failedIndexes", status.failed_indexes, why)


def _validate_success(new: Job, old: Job) -> Iterator[FieldError]:
    met = _has(new, "SuccessCriteriaMet")
    if met and _has(new, "Failed"):
        yield wrong(_CONDITIONS, "cannot set SuccessCriteriaMet=True and Failed=true conditions")
    if met and _has(new, "FailureTarget"):
        yield wrong(_CONDITIONS, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions")
    if new.spec.success_policy is not None and not met and _has(new, "Complete"):
        why = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"
        yield wrong(_CONDITIONS, why)
    if _has(old, "SuccessCriteriaMet") and not met:
        yield wrong(_CONDITIONS, "cannot disable the SuccessCriteriaMet=True condition")
    if _has(old, "Complete") and not _has(old, "SuccessCriteriaMet") and met:
        why = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        yield wrong(_CONDITIONS, why)


def _validate_transition(new: Job, old: Job) -> Iterator[FieldError]:
    for type_ in ("Failed", "Complete", "FailureTarget"):
        if _has(old, type_) and not _has(new, type_):
            yield wrong(_CONDITIONS, f"cannot disable the terminal {type_}=True condition")
    ours, theirs, spec = new.status, old.status, new.spec
    if (ours.failed or 0) < (theirs.failed or 0):
        yield invalid("status.failed", ours.failed or 0, "cannot decrease the failed counter")
    # An Indexed Job that is scaled down forgets the indexes it no longer has.
    scalable = spec.completion_mode == "Indexed" and spec.completions == spec.parallelism
    if not scalable and (ours.succeeded or 0) < (theirs.succeeded or 0):
        yield invalid("status.succeeded", ours.succeeded or 0, "cannot decrease the succeeded counter")
    if ours.completion_time and theirs.completion_time and ours.completion_time != theirs.completion_time:
        yield invalid("status.completionTime", ours.completion_time, "completionTime cannot be mutated")
    if theirs.start_time and theirs.start_time != ours.start_time and not spec.suspend:
        yield required("status.startTime", "startTime cannot be removed for unsuspended job")
