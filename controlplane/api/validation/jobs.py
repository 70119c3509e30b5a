"""Jobs: their spec, as they are made, changed and held inside CronJobs. Their policies and their status have files."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from controlplane.api import names
from controlplane.api.batch_v1 import Job, JobSpec
from controlplane.api.core_v1 import Affinity, PodTemplateSpec
from controlplane.api.selectors import SelectorError, label_selector
from controlplane.api.status import FieldError
from controlplane.api.validation.domain_paths import validate_domain_prefixed_path
from controlplane.api.validation.errors import (
    at_least_zero,
    immutable,
    invalid,
    not_supported,
    required,
    too_long,
)
from controlplane.api.validation.job_policies import (
    validate_pod_failure_policy,
    validate_replacement_policy,
    validate_success_policy,
)
from controlplane.api.validation.job_status import is_true
from controlplane.api.validation.pods import validate_template
from controlplane.api.validation.selectors import validate_selector

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"
OLD_CONTROLLER_UID, OLD_JOB_NAME = "controller-uid", "job-name"

INDEXED = "Indexed"
_MODES = ("NonIndexed", INDEXED)
_MANY = 100_000  # pods at once, failed indexes, and completions beyond which the limits below hold
_FEWER = 10_000
_NAME_BYTES = 63


def validate_job(job: Job) -> list[FieldError]:
    return [*_validate_generated(job), *_validate_spec(job.spec), *_validate_hostnames(job)]


def _validate_generated(job: Job) -> Iterator[FieldError]:
    """A selector that the server made must select the pods it labelled, and no others."""
    if job.spec.manual_selector or job.spec.selector is None:
        return
    if not job.metadata.uid:
        yield required("metadata.uid")
    expected = {
        OLD_CONTROLLER_UID: job.metadata.uid,
        OLD_JOB_NAME: job.metadata.name,
        CONTROLLER_UID: job.metadata.uid,
        JOB_NAME: job.metadata.name,
    }
    labels = job.spec.template.metadata.labels
    for key, value in expected.items():
        yield from _validate_label(labels, key, value)
    if not _matches(job.spec, expected):
        yield invalid("spec.selector", job.spec.selector, "`selector` not auto-generated")


def _validate_label(labels: dict[str, str], key: str, expected: str) -> Iterator[FieldError]:
    path, why = f"spec.template.metadata.labels[{key}]", f"must be '{expected}'"
    if key not in labels:
        yield required(path, why)
    elif labels[key] != expected:
        yield invalid(path, labels, why)


def _matches(spec: JobSpec, labels: dict[str, str]) -> bool:
    try:
        return label_selector(spec.selector).matches(labels)
    except SelectorError:
        return True  # said elsewhere, at the very field


def _validate_spec(spec: JobSpec) -> Iterator[FieldError]:
    yield from validate_job_spec(spec, "spec")
    if spec.selector is None:
        yield required("spec.selector")
    yield from validate_selector(spec.selector, "spec.selector")
    labels = spec.template.metadata.labels
    if spec.selector is not None and not _matches(spec, labels):
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")


def _validate_hostnames(job: Job) -> Iterator[FieldError]:
    """The pods of an Indexed Job are hosts: NAME-INDEX."""
    completions = job.spec.completions or 0
    if job.spec.completion_mode != INDEXED or completions <= 0:
        return
    longest = f"{job.metadata.name}-{completions - 1}"
    if names.dns1123_label(longest):
        why = f"will not able to create pod with invalid DNS label: {longest}"
        yield invalid("metadata.name", job.metadata.name, why)


def validate_job_spec(spec: JobSpec, path: str) -> Iterator[FieldError]:
    """Check what Jobs and the templates of CronJobs have in common."""
    for field, number in (
        ("parallelism", spec.parallelism),
        ("completions", spec.completions),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
    ):
        yield from at_least_zero(f"{path}.{field}", number)
    if spec.max_failed_indexes is not None and spec.backoff_limit_per_index is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if spec.managed_by:
        yield from validate_domain_prefixed_path(f"{path}.managedBy", spec.managed_by)
        if len(spec.managed_by.encode()) > _NAME_BYTES:
            yield too_long(f"{path}.managedBy", _NAME_BYTES)
    yield from _validate_mode(spec, path)
    yield from _validate_policies(spec, path)
    yield from validate_template(spec.template, f"{path}.template")
    yield from _validate_restart_policy(spec, f"{path}.template.spec.restartPolicy")


def _validate_mode(spec: JobSpec, path: str) -> Iterator[FieldError]:
    if spec.completion_mode and spec.completion_mode not in _MODES:
        yield not_supported(f"{path}.completionMode", spec.completion_mode, _MODES)
    if spec.completion_mode == INDEXED:
        yield from _validate_indexed(spec, path)
    elif spec.completion_mode in ("", "NonIndexed"):
        for field, number in (
            ("backoffLimitPerIndex", spec.backoff_limit_per_index),
            ("maxFailedIndexes", spec.max_failed_indexes),
        ):
            if number is not None:
                yield invalid(f"{path}.{field}", number, "requires indexed completion mode")


def _validate_indexed(spec: JobSpec, path: str) -> Iterator[FieldError]:
    completions, failed, parallelism = spec.completions, spec.max_failed_indexes, spec.parallelism
    if completions is None:
        yield required(f"{path}.completions", f"when completion mode is {INDEXED}")
    if parallelism is not None and parallelism > _MANY:
        why = f"must be less than or equal to {_MANY} when completion mode is {INDEXED}"
        yield invalid(f"{path}.parallelism", parallelism, why)
    if completions is not None and failed is not None and failed > completions:
        yield invalid(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions")
    if failed is not None and failed > _MANY:
        yield invalid(f"{path}.maxFailedIndexes", failed, f"must be less than or equal to {_MANY}")
    if completions is None or completions <= _MANY or spec.backoff_limit_per_index is None:
        return
    if failed is None:
        yield required(f"{path}.maxFailedIndexes", f"must be specified when completions is above {_MANY}")
    when = f"when completions are above {_MANY} and used with backoff limit per index"
    for field, number in (("parallelism", parallelism), ("maxFailedIndexes", failed)):
        if number is not None and number > _FEWER:
            yield invalid(f"{path}.{field}", number, f"must be less than or equal to {_FEWER} {when}")


def _validate_policies(spec: JobSpec, path: str) -> Iterator[FieldError]:
    if spec.pod_failure_policy is not None:
        yield from validate_pod_failure_policy(spec, f"{path}.podFailurePolicy")
    if spec.success_policy is not None:
        if spec.completion_mode != INDEXED:
            yield invalid(f"{path}.successPolicy", spec.success_policy, "requires indexed completion mode")
        else:
            yield from validate_success_policy(spec, f"{path}.successPolicy")
    yield from validate_replacement_policy(spec, f"{path}.podReplacementPolicy")


def _validate_restart_policy(spec: JobSpec, path: str) -> Iterator[FieldError]:
    policy = spec.template.spec.restart_policy
    if policy in ("", "Always"):
        yield required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        yield not_supported(path, policy, ("OnFailure", "Never"))
    elif spec.pod_failure_policy is not None and policy != "Never":
        yield invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def validate_job_update(new: Job, old: Job) -> list[FieldError]:
    ours, theirs = new.spec, old.spec
    errors = _validate_completions(ours, theirs)
    errors += immutable("spec.selector", ours.selector, theirs.selector)
    errors += immutable("spec.template", ours.template, _changeable(old, ours.template))
    for field, mine, was in (
        ("completionMode", ours.completion_mode, theirs.completion_mode),
        ("podFailurePolicy", ours.pod_failure_policy, theirs.pod_failure_policy),
        ("backoffLimitPerIndex", ours.backoff_limit_per_index, theirs.backoff_limit_per_index),
        ("managedBy", ours.managed_by, theirs.managed_by),
        ("successPolicy", ours.success_policy, theirs.success_policy),
    ):
        errors += immutable(f"spec.{field}", mine, was)
    return errors


def _validate_completions(new: JobSpec, old: JobSpec) -> list[FieldError]:
    """An Indexed Job may grow and shrink, if all its pods run at once."""
    if new.completion_mode != INDEXED:
        return immutable("spec.completions", new.completions, old.completions)
    if new.completions in (None, old.completions) or new.completions == new.parallelism:
        return []
    return [invalid("spec.completions", new.completions, "can only be modified in tandem with spec.parallelism")]


def _changeable(old: Job, new: PodTemplateSpec) -> PodTemplateSpec:
    """Return the old template with what may be changed of it taken from the new one.

    A suspended Job that has no pods can still be told where they are to run and how much they need.
    """
    template = old.spec.template
    idle = old.status.start_time is None or is_true(old.status.conditions, "Suspended")
    if not old.spec.suspend or not idle or old.status.active:
        return template
    spec = replace(
        template.spec,
        affinity=_with_node_affinity(template.spec.affinity, new.spec.affinity),
        node_selector=new.spec.node_selector,
        tolerations=new.spec.tolerations,
        scheduling_gates=new.spec.scheduling_gates,
    )
    if len(new.spec.containers) == len(spec.containers) and len(new.spec.init_containers) == len(spec.init_containers):
        pairs = zip(spec.containers, new.spec.containers, strict=True)
        inits = zip(spec.init_containers, new.spec.init_containers, strict=True)
        spec = replace(
            spec,
            containers=[replace(was, resources=now.resources) for was, now in pairs],
            init_containers=[replace(was, resources=now.resources) for was, now in inits],
        )
    metadata = replace(template.metadata, labels=new.metadata.labels, annotations=new.metadata.annotations)
    return replace(template, metadata=metadata, spec=spec)


def _with_node_affinity(old: Affinity | None, new: Affinity | None) -> Affinity | None:
    if new is None:
        rest = replace(old, node_affinity=None) if old is not None else Affinity()
        return None if rest == Affinity() else rest
    return replace(old or Affinity(), node_affinity=new.node_affinity)
