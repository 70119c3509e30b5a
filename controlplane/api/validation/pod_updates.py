"""What of a pod may change once it exists: nearly nothing, for a node is already running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from controlplane.api import names
from controlplane.api.core_v1 import Container, EphemeralContainer, Pod, PodSpec
from controlplane.api.status import FieldError
from controlplane.api.validation.containers import validate_containers
from controlplane.api.validation.errors import checked, forbidden, invalid, shown

_MAY_CHANGE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)


def validate_pod_update(new: Pod, old: Pod) -> list[FieldError]:
    return list(_validate_spec_update(new, old))


def _validate_spec_update(new: Pod, old: Pod) -> Iterator[FieldError]:
    for field, ours, theirs in (
        ("containers", new.spec.containers, old.spec.containers),
        ("initContainers", new.spec.init_containers, old.spec.init_containers),
    ):
        if len(ours) != len(theirs):
            yield forbidden(f"spec.{field}", "pod updates may not add or remove containers")
            return
        for index, container in enumerate(ours):
            if container.image != container.image.strip():
                why = "must not have leading or trailing whitespace"
                yield invalid(f"spec.{field}[{index}].image", container.image, why)
    yield from _validate_deadline(new.spec.active_deadline_seconds, old.spec.active_deadline_seconds)
    yield from _validate_tolerations(new.spec, old.spec)
    yield from _validate_gates(new, old)
    expected = _as_it_may_be(new.spec, old.spec)
    if new.spec != expected:
        why = f"pod updates may not change fields other than {','.join(_MAY_CHANGE)}"
        yield forbidden("spec", "\n".join([why, *_differences(new.spec, expected)]))


def _validate_deadline(new: int | None, old: int | None) -> Iterator[FieldError]:
    if new == old:
        return
    if new is None:
        yield invalid("spec.activeDeadlineSeconds", None, "must not update from a positive integer to nil value")
    elif old is not None and new > old:
        yield invalid("spec.activeDeadlineSeconds", new, f"must be less than or equal to previous value {old}")


def _validate_tolerations(new: PodSpec, old: PodSpec) -> Iterator[FieldError]:
    kept = [replace(one, toleration_seconds=None) for one in new.tolerations]
    if any(replace(one, toleration_seconds=None) not in kept for one in old.tolerations):
        yield forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")


def _validate_gates(new: Pod, old: Pod) -> Iterator[FieldError]:
    added = [gate for gate in new.spec.scheduling_gates if gate not in old.spec.scheduling_gates]
    if added:
        why = "only deletion is allowed, but found new scheduling gates"
        listed = ", ".join(f"'{gate.name}'" for gate in added)
        yield forbidden("spec.schedulingGates", f"{why} {listed}")


def _as_it_may_be(new: PodSpec, old: PodSpec) -> PodSpec:
    """Return the old spec with the changes that are allowed."""
    changes: dict[str, Any] = {
        "containers": _with_images(old.containers, new.containers),
        "init_containers": _with_images(old.init_containers, new.init_containers),
        "active_deadline_seconds": new.active_deadline_seconds,
        "tolerations": new.tolerations,
        "scheduling_gates": new.scheduling_gates,
    }
    if (old.termination_grace_period_seconds or 0) < 0 and new.termination_grace_period_seconds == 1:
        changes["termination_grace_period_seconds"] = 1
    if old.scheduling_gates and not old.node_name:
        # Until the gates are lifted nobody has looked at where the pod may run, so that may still be narrowed.
        changes |= {"node_selector": {**new.node_selector, **old.node_selector}, "affinity": new.affinity}
    return replace(old, **changes)


def _with_images(old: Sequence[Container], new: Sequence[Container]) -> list[Container]:
    return [replace(before, image=after.image) for before, after in zip(old, new, strict=True)]


def _differences(new: PodSpec, old: PodSpec) -> Iterator[str]:
    for field in msgspec.structs.fields(PodSpec):
        ours, theirs = getattr(new, field.name), getattr(old, field.name)
        if ours != theirs:
            yield f"- {field.encode_name}: {shown(theirs)}"
            yield f"+ {field.encode_name}: {shown(ours)}"


def validate_pod_status_update(new: Pod, old: Pod) -> list[FieldError]:
    errors: list[FieldError] = []
    if old.spec.node_name and new.spec.node_name != old.spec.node_name:
        errors.append(forbidden("spec.nodeName", "may not be changed directly"))
    nominated = new.status.nominated_node_name
    if nominated and nominated != old.status.nominated_node_name:
        errors += checked("status.nominatedNodeName", nominated, names.dns1123_subdomain(nominated))
    return errors


def validate_ephemeral_containers(new: Pod, old: Pod) -> list[FieldError]:
    """Ephemeral containers are only ever added."""
    by_name: dict[str, EphemeralContainer] = {one.name: one for one in new.spec.ephemeral_containers}
    errors = list(validate_containers(new.spec, "spec"))
    for before in old.spec.ephemeral_containers:
        after = by_name.get(before.name)
        if after is None:
            removed = f'existing ephemeral containers "{before.name}" may not be removed\n'
            errors.append(forbidden("spec.ephemeralContainers", removed))
        elif after != before:
            changed = f'existing ephemeral containers "{before.name}" may not be changed\n'
            errors.append(forbidden("spec.ephemeralContainers", changed))
    return errors


def validate_resize(new: Pod, old: Pod) -> list[FieldError]:
    """A resize changes CPU and memory of containers and nothing else."""
    if len(new.spec.containers) != len(old.spec.containers):
        return [forbidden("spec.containers", "containers may not be added or removed on resize")]
    allowed = replace(
        old.spec,
        containers=[
            replace(before, resources=after.resources, resize_policy=after.resize_policy)
            for before, after in zip(old.spec.containers, new.spec.containers, strict=True)
        ],
        init_containers=new.spec.init_containers,
        resources=new.spec.resources,
    )
    errors = list(validate_containers(new.spec, "spec"))
    if new.spec != allowed:
        errors.append(forbidden("spec", "only cpu and memory resources are mutable"))
    return errors
