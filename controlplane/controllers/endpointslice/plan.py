"""From the slices there are to the endpoints there should be, touching as few slices as possible.

Within one group (same family, same ports), in this order:
    1  drop endpoints that are gone and renew those that changed, in the slice where they are
    2  put new ones into slices that change anyway
    3  then into the fullest other slice that takes all the rest
    4  then into new slices of 100; a slice that would be deleted is made into a new one instead
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import Endpoint, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.controllers.endpointslice.desired import NO_PORTS, Desired, Group, Ports, identity
from controlplane.controllers.ownership import controller_reference
from controlplane.controllers.service_pods import (
    HEADLESS_LABEL,
    LAST_CHANGE_TRIGGER_TIME,
    copied_labels,
    families_of,
)

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """Slices to write; those in `create` have no name yet."""

    create: tuple[EndpointSlice, ...] = ()
    update: tuple[EndpointSlice, ...] = ()
    delete: tuple[EndpointSlice, ...] = ()


@dataclass(slots=True)
class _Room:
    """A slice being filled."""

    slice: EndpointSlice
    endpoints: list[Endpoint]
    changed: bool

    def free(self, limit: int) -> int:
        return limit - len(self.endpoints)


def plan(
    service: Service,
    existing: Sequence[EndpointSlice],
    desired: Desired,
    *,
    trigger_time: str = "",
    limit: int = MAX_ENDPOINTS,
) -> Plan:
    """Decide which slices to create, update and delete."""
    labels = slice_labels(service)
    render = _renderer(service, labels, trigger_time)
    by_group = _grouped(existing)
    create: list[EndpointSlice] = []
    update: list[EndpointSlice] = []
    delete: list[EndpointSlice] = []
    for group, endpoints in _wanted_groups(service, desired).items():
        rooms, fresh = fill(by_group.pop(group, []), endpoints, limit)
        if not endpoints:
            _keep_one(rooms, fresh)
        create += [render(group, chunk, None) for chunk in fresh]
        for room in rooms:
            if not room.endpoints and (endpoints or room is not rooms[0]):
                delete.append(room.slice)
            elif room.changed or room.slice.metadata.labels != labels:
                update.append(render(group, room.endpoints, room.slice))
    delete += [one for slices in by_group.values() for one in slices]
    return _recycled(create, update, delete)


def _wanted_groups(service: Service, desired: Desired) -> Mapping[Group, list[Endpoint]]:
    groups = dict(desired.groups)
    for family in families_of(service):
        if not any(group_family == family for group_family, _ in groups):
            groups |= {(family, ports): list(none) for ports, none in NO_PORTS.items()}
    return groups


def _grouped(existing: Iterable[EndpointSlice]) -> dict[Group, list[EndpointSlice]]:
    groups: dict[Group, list[EndpointSlice]] = {}
    for one in existing:
        if one.metadata.deletion_timestamp is None:
            ports: Ports = tuple(sorted(one.ports, key=lambda port: (port.name, port.port or 0, port.protocol)))
            groups.setdefault((one.address_type, ports), []).append(one)
    return groups


def fill(
    existing: Sequence[EndpointSlice], desired: Sequence[Endpoint], limit: int
) -> tuple[list[_Room], list[list[Endpoint]]]:
    """Return the existing slices with what they will hold, and what needs new slices."""
    missing = {identity(endpoint): endpoint for endpoint in desired}
    rooms = []
    for one in existing:
        kept = [found for old in one.endpoints if (found := missing.pop(identity(old), None)) is not None]
        rooms.append(_Room(one, kept, kept != one.endpoints))
    rest = list(missing.values())
    for room in rooms:
        if room.changed and rest:
            taken = room.free(limit)
            room.endpoints += rest[:taken]
            rest = rest[taken:]
    if rest and (snug := _snuggest(rooms, len(rest), limit)):
        snug.endpoints += rest
        snug.changed, rest = True, []
    return rooms, [rest[start : start + limit] for start in range(0, len(rest), limit)]


def _snuggest(rooms: Iterable[_Room], count: int, limit: int) -> _Room | None:
    """Return the fullest slice that has room for `count` more."""
    fitting = [room for room in rooms if room.free(limit) >= count]
    return min(fitting, key=lambda room: room.free(limit), default=None)


def _keep_one(rooms: list[_Room], fresh: list[list[Endpoint]]) -> None:
    if not rooms:
        fresh.append([])


def _recycled(create: list[EndpointSlice], update: list[EndpointSlice], delete: list[EndpointSlice]) -> Plan:
    """Write what would be created over what would be deleted: one event instead of two, and no gap between them."""
    created = []
    for one in create:
        spare = next((old for old in delete if old.address_type == one.address_type), None)
        if spare is None:
            created.append(one)
            continue
        delete.remove(spare)
        update.append(replace(one, metadata=_renewed(spare.metadata, one.metadata)))
    return Plan(tuple(created), tuple(update), tuple(delete))


def _renewed(old: ObjectMeta, wanted: ObjectMeta) -> ObjectMeta:
    return replace(old, labels=wanted.labels, annotations=_annotations(old, wanted.annotations))


def _annotations(old: ObjectMeta, ours: Mapping[str, str]) -> dict[str, str]:
    others = {key: value for key, value in old.annotations.items() if key != LAST_CHANGE_TRIGGER_TIME}
    return {**others, **ours}


def slice_labels(service: Service) -> dict[str, str]:
    labels = copied_labels(service, (SERVICE_NAME, MANAGED_BY, HEADLESS_LABEL))
    return {**labels, SERVICE_NAME: service.metadata.name, MANAGED_BY: MANAGER}


def _renderer(
    service: Service, labels: dict[str, str], trigger_time: str
) -> Callable[[Group, list[Endpoint], EndpointSlice | None], EndpointSlice]:
    annotations = {LAST_CHANGE_TRIGGER_TIME: trigger_time} if trigger_time else {}
    fresh = ObjectMeta(
        generate_name=f"{service.metadata.name}-",
        namespace=service.metadata.namespace,
        labels=labels,
        annotations=annotations,
        owner_references=[controller_reference(service)],
    )

    def render(group: Group, endpoints: list[Endpoint], old: EndpointSlice | None) -> EndpointSlice:
        family, ports = group
        metadata = _renewed(old.metadata, fresh) if old is not None else fresh
        return EndpointSlice(metadata=metadata, address_type=family, endpoints=endpoints, ports=list(ports))

    return render
