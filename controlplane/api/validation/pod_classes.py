"""PriorityClasses and RuntimeClasses: what pods name to be run first, or to be run otherwise."""

from __future__ import annotations

from controlplane.api import names
from controlplane.api.node_v1 import RuntimeClass
from controlplane.api.scheduling_v1 import PriorityClass
from controlplane.api.status import FieldError
from controlplane.api.system_priorities import HIGHEST_USER_PRIORITY, SYSTEM_PREFIX, SYSTEM_PRIORITIES
from controlplane.api.validation.errors import checked, forbidden, immutable, not_supported
from controlplane.api.validation.metadata import validate_labels
from controlplane.api.validation.resources import validate_amount, validate_container_resource
from controlplane.api.validation.scheduling import validate_toleration

_PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")


def validate_priority_class(priority_class: PriorityClass) -> list[FieldError]:
    errors: list[FieldError] = []
    if priority_class.metadata.name.startswith(SYSTEM_PREFIX):
        if why := _not_of_the_system(priority_class):
            reserved = f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only"
            errors.append(forbidden("metadata.name", f"{reserved}. error: {why}"))
    elif (priority_class.value or 0) > HIGHEST_USER_PRIORITY:
        why = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
        errors.append(forbidden("value", why))
    policy = priority_class.preemption_policy
    if policy and policy not in _PREEMPTION_POLICIES:
        errors.append(not_supported("preemptionPolicy", policy, _PREEMPTION_POLICIES))
    return errors


def _not_of_the_system(priority_class: PriorityClass) -> str:
    name = priority_class.metadata.name
    if name not in SYSTEM_PRIORITIES:
        return f"{name} is not a known system priority class"
    if (priority_class.value or 0) != SYSTEM_PRIORITIES[name]:
        return f"value of {name} PriorityClass must be {SYSTEM_PRIORITIES[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if priority_class.global_default else ""


def validate_priority_class_update(new: PriorityClass, old: PriorityClass) -> list[FieldError]:
    errors: list[FieldError] = []
    if (new.value or 0) != (old.value or 0):
        errors.append(forbidden("value", "may not be changed in an update."))
    return errors + immutable("preemptionPolicy", new.preemption_policy, old.preemption_policy)


def validate_runtime_class(runtime_class: RuntimeClass) -> list[FieldError]:
    errors = checked("handler", runtime_class.handler, names.dns1123_label(runtime_class.handler))
    overhead, scheduling = runtime_class.overhead, runtime_class.scheduling
    for name, amount in overhead.pod_fixed.items() if overhead else ():
        errors += validate_container_resource(name, "overhead.limits")
        errors += validate_amount(name, amount, f"overhead.limits[{name}]")
    if scheduling is not None:
        errors += validate_labels(scheduling.node_selector, "scheduling.nodeSelector")
        for index, toleration in enumerate(scheduling.tolerations):
            errors += validate_toleration(toleration, f"scheduling.tolerations[{index}]")
    return errors


def validate_runtime_class_update(new: RuntimeClass, old: RuntimeClass) -> list[FieldError]:
    return immutable("handler", new.handler, old.handler)
