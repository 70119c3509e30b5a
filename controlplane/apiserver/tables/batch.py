"""kubectl get jobs, cronjobs."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.batch_v1 import CronJob, Job, JobSpec
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer, wide
from controlplane.apiserver.tables.texts import (
    NONE,
    age,
    container_images,
    container_names,
    human_duration,
    or_none,
    selector,
    yes_or_no,
)
from controlplane.kit.timestamps import parse_time

# The first of these that is true is what a Job's status is about; one that is being deleted is Terminating if it has
# not ended.
_ENDS = (("Complete", "Complete"), ("Failed", "Failed"))
_STAGES = (("Suspended", "Suspended"), ("FailureTarget", "FailureTarget"), ("SuccessCriteriaMet", "SuccessCriteriaMet"))


def _job(job: Job, now: datetime) -> list[Cell]:
    return [
        job.metadata.name,
        _status(job),
        _completions(job),
        _duration(job, now),
        age(job.metadata.creation_timestamp, now),
        *_layout(job.spec),
    ]


def _status(job: Job) -> str:
    true = {condition.type for condition in job.status.conditions if condition.status == "True"}
    ended = next((shown for type_, shown in _ENDS if type_ in true), "")
    if ended or job.metadata.deletion_timestamp:
        return ended or "Terminating"
    return next((shown for type_, shown in _STAGES if type_ in true), "Running")


def _completions(job: Job) -> str:
    """1/3, or 1/1 of 5 for a work queue that five pods empty."""
    succeeded, wanted, parallelism = job.status.succeeded or 0, job.spec.completions, job.spec.parallelism or 0
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(job: Job, now: datetime) -> str:
    started, completed = job.status.start_time, job.status.completion_time
    if not started:
        return ""
    end = parse_time(completed) if completed else now
    return human_duration((end - parse_time(started)).total_seconds())


def _layout(spec: JobSpec | None) -> list[Cell]:
    containers = spec.template.spec.containers if spec else []
    return [container_names(containers), container_images(containers), selector(spec.selector if spec else None)]


def _cron_job(cron_job: CronJob, now: datetime) -> list[Cell]:
    spec, status = cron_job.spec, cron_job.status
    return [
        cron_job.metadata.name,
        spec.schedule,
        or_none(spec.time_zone),
        yes_or_no(spec.suspend),
        len(status.active),
        age(status.last_schedule_time, now) if status.last_schedule_time else NONE,
        age(cron_job.metadata.creation_timestamp, now),
        *_layout(spec.job_template.spec if spec.job_template else None),
    ]


_WIDE = (wide("Containers"), wide("Images"), wide("Selector"))
JOB = Printer((NAME, Column("Status"), Column("Completions"), Column("Duration"), AGE, *_WIDE), _job)
CRON_JOB = Printer(
    (
        NAME,
        Column("Schedule"),
        Column("Timezone"),
        Column("Suspend", "boolean"),
        Column("Active", "integer"),
        Column("Last Schedule"),
        AGE,
        *_WIDE,
    ),
    _cron_job,
)
