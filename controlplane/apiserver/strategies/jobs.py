"""Jobs find their pods by labels that the server makes up; CronJobs make Jobs."""

from __future__ import annotations

from typing import Any, ClassVar

from controlplane.api import names
from controlplane.api.batch_v1 import JobSpec
from controlplane.api.codec import Document
from controlplane.api.validation.jobs import CONTROLLER_UID, INDEXED, JOB_NAME, OLD_CONTROLLER_UID, OLD_JOB_NAME
from controlplane.apiserver.strategies.base import Caller, Strategy
from controlplane.apiserver.strategies.pod_warnings import warnings_for_pod_spec

# An Indexed Job beyond both may fail at more indexes than its status has room for.
_MANY_COMPLETIONS, _MANY_AT_ONCE = 100_000, 10_000


class JobStrategy(Strategy):
    """Deleting a Job leaves its pods alone unless one says otherwise: batch/v1 has done so since before there was a
    garbage collector."""

    has_generation: ClassVar[bool] = True
    default_propagation: ClassVar[str] = "Orphan"

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        _drop_alpha(document)
        if not (document.get("spec") or {}).get("manualSelector"):
            _select_own_pods(document)
        _label_as_pods(document)

    def prepare_update(self, new: Document, old: Document) -> None:
        _drop_alpha(new)
        super().prepare_update(new, old)
        _label_as_pods(new)

    def warnings(self, obj: Any) -> list[str]:
        return [*_about_name(obj.metadata.name), *_about_spec(obj.spec, "spec")]

    def update_warnings(self, new: Any, old: Any) -> list[str]:
        return [] if new.metadata.generation == old.metadata.generation else _about_spec(new.spec, "spec")


class CronJobStrategy(Strategy):
    has_generation: ClassVar[bool] = True

    def warnings(self, obj: Any) -> list[str]:
        return [*_about_name(obj.metadata.name), *_about_spec(obj.spec.job_template.spec, "spec.jobTemplate.spec")]

    def update_warnings(self, new: Any, old: Any) -> list[str]:
        if new.metadata.generation == old.metadata.generation:
            return []
        return _about_spec(new.spec.job_template.spec, "spec.jobTemplate.spec")


def _drop_alpha(job: Document) -> None:
    """Gang scheduling is behind a gate (WorkloadWithJob) that is shut by default: what is said of it is not kept."""
    (job.get("spec") or {}).pop("scheduling", None)


def _select_own_pods(job: Document) -> None:
    """Label the template with the Job's name and uid and select by the uid; what the caller has set is validated."""
    spec, metadata = job.setdefault("spec", {}), job["metadata"]
    name, uid = metadata.get("name", ""), metadata.get("uid", "")
    labels = spec.setdefault("template", {}).setdefault("metadata", {}).setdefault("labels", {})
    generated = {OLD_JOB_NAME: name, JOB_NAME: name, OLD_CONTROLLER_UID: uid, CONTROLLER_UID: uid}
    for worn in (labels, metadata.get("labels") or {}):
        if worn.get(CONTROLLER_UID) == uid:  # our own, of an attempt with another made-up name
            worn.update(generated)
    for key, value in generated.items():
        labels.setdefault(key, value)
    spec.setdefault("selector", {}).setdefault("matchLabels", {}).setdefault(CONTROLLER_UID, uid)


def _label_as_pods(job: Document) -> None:
    """A Job without labels wears those of its pods."""
    metadata = job.setdefault("metadata", {})
    labels = ((job.get("spec") or {}).get("template") or {}).get("metadata", {}).get("labels")
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _about_name(name: str) -> list[str]:
    problems = names.dns1123_label(name)
    if not problems:
        return []
    why = "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: {why}: [{' '.join(problems)}]"]


def _about_spec(spec: JobSpec, path: str) -> list[str]:
    warnings = []
    many = (spec.completions or 0) > _MANY_COMPLETIONS and (spec.parallelism or 0) > _MANY_AT_ONCE
    if spec.completion_mode == INDEXED and many:
        warnings.append(
            f"{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than "
            "10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        )
    template = spec.template
    return warnings + warnings_for_pod_spec(template.spec, f"{path}.template.spec", template.metadata)
