"""What the cluster itself consists of: Namespaces, Nodes, Leases, Events."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import events_v1, names
from controlplane.api.coordination_v1 import Lease
from controlplane.api.core_v1 import Event, Namespace, Node, Taint
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import (
    checked,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)
from controlplane.api.validation.resources import validate_amounts
from controlplane.api.validation.scheduling import EFFECTS


def validate_namespace(namespace: Namespace) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, finalizer in enumerate(namespace.spec.finalizers):
        errors += checked(f"spec.finalizers[{index}]", finalizer, names.qualified_name(finalizer))
        if not names.qualified_name(finalizer) and "/" not in finalizer and finalizer != "kubernetes":
            why = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(invalid(f"spec.finalizers[{index}]", finalizer, why))
    return errors


def validate_namespace_status(new: Namespace, old: Namespace) -> list[FieldError]:
    phase, ends = new.status.phase, old.metadata.deletion_timestamp is not None
    if ends and phase != "Terminating":
        return [invalid("status.Phase", phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")]
    if not ends and phase != "Active":
        return [invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty")]
    return []


def validate_node(node: Node) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(node.spec.taints):
        at = f"spec.taints[{index}]"
        errors += _validate_taint(taint, at)
        if (taint.key, taint.effect) in seen:
            errors.append(duplicate(at, taint))
        seen.add((taint.key, taint.effect))
    for index, cidr in enumerate(node.spec.pod_cidrs):
        errors += checked(f"spec.podCIDRs[{index}]", cidr, names.cidr(cidr))
    if len(node.spec.pod_cidrs) > 2:
        errors.append(
            invalid("spec.podCIDRs", node.spec.pod_cidrs, "may specify no more than one CIDR for each IP family")
        )
    errors += validate_amounts(node.status.capacity, "status.capacity")
    errors += validate_amounts(node.status.allocatable, "status.allocatable")
    return errors


def _validate_taint(taint: Taint, path: str) -> Iterator[FieldError]:
    yield from checked(f"{path}.key", taint.key, names.qualified_name(taint.key))
    if problems := names.label_value(taint.value):
        yield invalid(f"{path}.value", taint.value, ";".join(problems))
    if not taint.effect:
        yield required(f"{path}.effect")
    elif taint.effect not in EFFECTS:
        yield not_supported(f"{path}.effect", taint.effect, EFFECTS)


def validate_node_update(new: Node, old: Node) -> list[FieldError]:
    errors = []
    if old.spec.pod_cidrs and new.spec.pod_cidrs != old.spec.pod_cidrs:
        errors.append(forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'))
    if old.spec.provider_id and new.spec.provider_id != old.spec.provider_id:
        errors.append(forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'))
    return errors


def validate_node_status(new: Node, old: Node) -> list[FieldError]:
    errors = list(validate_amounts(new.status.capacity, "status.capacity"))
    errors += validate_amounts(new.status.allocatable, "status.allocatable")
    seen: set[tuple[str, str]] = set()
    for index, address in enumerate(new.status.addresses):
        if (address.type, address.address) in seen:
            errors.append(duplicate(f"status.addresses[{index}]", address))
        seen.add((address.type, address.address))
    return errors


def validate_lease(lease: Lease) -> list[FieldError]:
    spec, errors = lease.spec, []
    if spec.lease_duration_seconds is not None and spec.lease_duration_seconds <= 0:
        errors.append(invalid("spec.leaseDurationSeconds", spec.lease_duration_seconds, "must be greater than 0"))
    if spec.lease_transitions is not None and spec.lease_transitions < 0:
        why = "must be greater than or equal to 0"
        errors.append(invalid("spec.leaseTransitions", spec.lease_transitions, why))
    if spec.strategy:
        errors += checked("spec.strategy", spec.strategy, names.qualified_name(spec.strategy))
    if spec.preferred_holder and not spec.strategy:
        errors.append(forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"))
    return errors


def validate_event(event: Event) -> list[FieldError]:
    """An event is kept in the namespace of what it is about; one about a node is kept in "default"."""
    regarding = event.involved_object.namespace if event.involved_object else ""
    errors = _validate_event_namespace(
        event.metadata.namespace, regarding, "involvedObject.namespace", "event.namespace"
    )
    if event.event_time is None:
        return errors  # written the old way, of which nothing more is asked
    return errors + _validate_new_event(
        event.reporting_component,
        event.reporting_instance,
        event.action,
        event.reason,
        event.type,
        "reportingController",
    )


def validate_events_event(event: events_v1.Event) -> list[FieldError]:
    regarding = event.regarding.namespace if event.regarding else ""
    errors = _validate_event_namespace(
        event.metadata.namespace, regarding, "involvedObject.namespace", "event.namespace"
    )
    if event.event_time is None:
        errors.append(required("eventTime"))
    if len(event.note.encode()) > 1024:
        errors.append(invalid("message", "", "can have at most 1024 characters"))
    return errors + _validate_new_event(
        event.reporting_controller,
        event.reporting_instance,
        event.action,
        event.reason,
        event.type,
        "reportingController",
    )


def _validate_event_namespace(namespace: str, regarding: str, path: str, other: str) -> list[FieldError]:
    if regarding == namespace or (not regarding and namespace in ("default", "kube-system")):
        return []
    return [invalid(path, regarding, f"does not match {other}")]


def _validate_new_event(
    controller: str, instance: str, action: str, reason: str, kind: str, path: str
) -> list[FieldError]:
    errors = []
    if not controller:
        errors.append(required(path))
    else:
        errors += checked(path, controller, names.qualified_name(controller))
    for field, text in (("reportingInstance", instance), ("action", action), ("reason", reason)):
        if not text:
            errors.append(required(field))
        elif len(text) > 128:
            errors.append(invalid(field, "", "can have at most 128 characters"))
    if kind not in ("Normal", "Warning"):
        errors.append(invalid("type", "", f"has invalid value: {kind}"))
    return errors
