"""Jobs and CronJobs. The Job inside a CronJob gets its own defaults when it is made, its pod template already now."""

from __future__ import annotations

from controlplane.api.codec import Document
from controlplane.api.defaults.pods import default_template

_BACKOFF_LIMIT = 6
_NO_LIMIT = 2**31 - 1  # each index has its own


def default_job(job: Document) -> None:
    spec = job.setdefault("spec", {})
    default_template(spec.setdefault("template", {}))
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", _BACKOFF_LIMIT if spec.get("backoffLimitPerIndex") is None else _NO_LIMIT)
    spec["completionMode"] = spec.get("completionMode") or "NonIndexed"
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    policy = spec.get("podFailurePolicy")
    for rule in (policy or {}).get("rules", ()):
        for pattern in rule.get("onPodConditions", ()):
            pattern["status"] = pattern.get("status") or "True"
    spec["podReplacementPolicy"] = spec.get("podReplacementPolicy") or (
        "TerminatingOrFailed" if policy is None else "Failed"
    )


def default_cron_job(cron_job: Document) -> None:
    spec = cron_job.setdefault("spec", {})
    default_template(spec.setdefault("jobTemplate", {}).setdefault("spec", {}).setdefault("template", {}))
    spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Allow"
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
