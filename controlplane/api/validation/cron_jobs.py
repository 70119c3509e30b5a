"""CronJobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from controlplane.api import cron
from controlplane.api.batch_v1 import CronJob, JobTemplateSpec
from controlplane.api.cron import CronError
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import at_least_zero, invalid, not_supported, required
from controlplane.api.validation.jobs import validate_job_spec

_LONGEST_NAME = 52  # bytes: a Job is named NAME-MINUTES, and its name fits in a label
_POLICIES = ("Allow", "Forbid", "Replace")
# https://data.iana.org/time-zones/theory.html#naming; digits and + are in old names only.
_is_zone_part = re.compile(r"[A-Za-z.\-_0-9+]{1,14}").fullmatch


def validate_cron_job(cron_job: CronJob) -> list[FieldError]:
    spec = cron_job.spec
    errors = list(_validate_schedule(spec.schedule))
    errors += at_least_zero("spec.startingDeadlineSeconds", spec.starting_deadline_seconds)
    errors += _validate_time_zone(spec.time_zone)
    if not spec.concurrency_policy:
        errors.append(required("spec.concurrencyPolicy"))
    elif spec.concurrency_policy not in _POLICIES:
        errors.append(not_supported("spec.concurrencyPolicy", spec.concurrency_policy, _POLICIES))
    errors += _validate_template(spec.job_template or JobTemplateSpec(), "spec.jobTemplate.spec")
    errors += at_least_zero("spec.successfulJobsHistoryLimit", spec.successful_jobs_history_limit)
    errors += at_least_zero("spec.failedJobsHistoryLimit", spec.failed_jobs_history_limit)
    return errors


def validate_new_cron_job(cron_job: CronJob) -> list[FieldError]:
    name = cron_job.metadata.name
    if len(name.encode()) <= _LONGEST_NAME:
        return []
    return [invalid("metadata.name", name, f"must be no more than {_LONGEST_NAME} characters")]


def _validate_schedule(schedule: str) -> Iterator[FieldError]:
    path = "spec.schedule"
    if not schedule:
        yield required(path)
        return
    try:
        cron.parse(schedule)
    except CronError as error:
        yield invalid(path, schedule, str(error))
    if "TZ" in schedule:
        yield invalid(path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")


def _validate_time_zone(zone: str) -> Iterator[FieldError]:
    path = "spec.timeZone"
    if not zone:
        return
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not _is_zone_part(part):
            yield invalid(path, zone, f"unknown time zone {zone}")
            return
    if zone.lower() == "local":
        why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        yield invalid(path, zone, why)
    if zone not in _zones() and zone != "Local":
        yield invalid(path, zone, f"unknown time zone {zone}")


@cache
def _zones() -> frozenset[str]:
    """Return the time zones that this machine knows: its files are read once, when first asked for."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def _validate_template(template: JobTemplateSpec, path: str) -> Iterator[FieldError]:
    yield from validate_job_spec(template.spec, path)
    if template.spec.selector is not None:
        yield invalid(f"{path}.selector", template.spec.selector, "`selector` will be auto-generated")
    if template.spec.manual_selector:
        yield not_supported(f"{path}.manualSelector", template.spec.manual_selector, ("nil", "false"))
