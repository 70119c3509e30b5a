"""The APIServices of what this server serves itself: one a group version, so that all of them are in one list.

Those of built-in groups are written when the server starts; those of custom resources come and go with their
definitions. Which is which says the label `automanaged`; an APIService without it is somebody's own and left alone.

That of metrics.k8s.io, which is an add-on's upstream, gives way: once it names a Service, label or not, it is left
alone until it is deleted, and then ours is there again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.apiregistration_v1 import APIService, APIServiceSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.metrics_v1beta1 import GROUP as USAGE_GROUP
from controlplane.api.resources import RESOURCES, USAGE
from controlplane.apiserver.aggregation.priorities import FIRST, OF_CRDS, builtin_priority
from controlplane.apiserver.virtual import VIRTUAL

AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"
_ON_START, _ALWAYS = "onstart", "true"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write; deletions only of the very object that was seen."""

    create: Sequence[APIService] = ()
    update: Sequence[APIService] = ()
    delete: Sequence[APIService] = ()


def plan(wanted: Mapping[str, APIService], current: Iterable[APIService], *, starting: bool) -> Plan:
    """Decide what to write so that `wanted` is there; built-in groups are looked at only when starting."""
    here = {one.metadata.name: one for one in current}
    looked_at = {name: one for name, one in wanted.items() if starting or _kind(one) == _ALWAYS}
    kinds = (_ON_START, _ALWAYS) if starting else (_ALWAYS,)
    return Plan(
        create=tuple(one for name, one in looked_at.items() if name not in here),
        update=tuple(
            replace(here[name], spec=one.spec)
            for name, one in looked_at.items()
            if name in here and _kind(here[name]) and not _replaced(here[name]) and here[name].spec != one.spec
        ),
        delete=tuple(one for name, one in here.items() if name not in wanted and _kind(one) in kinds),
    )


def wanted(served: Iterable[tuple[str, str]], definitions: Iterable[CustomResourceDefinition]) -> dict[str, APIService]:
    """Return the APIServices of built-in group versions and of custom resources, by name."""
    found: dict[str, APIService] = {}
    for group, version in served:
        priority = builtin_priority(group, version)
        if priority is not None and group != FIRST:
            kind = _ALWAYS if group == USAGE_GROUP else _ON_START
            found[name_of(group, version)] = _service(group, version, priority, kind)
    for definition in definitions:
        for one in definition.spec.versions:
            name = name_of(definition.spec.group, one.name)
            if one.served and name not in found:
                found[name] = _service(definition.spec.group, one.name, OF_CRDS, _ALWAYS)
    return found


def served_here() -> list[tuple[str, str]]:
    """Return the built-in group versions."""
    return sorted(
        {(r.group, r.version) for r in (*RESOURCES, *USAGE)} | {(group, version) for group, version, _ in VIRTUAL}
    )


def name_of(group: str, version: str) -> str:
    """Return the only name that an APIService may have: v1. for the core group, else v1.apps."""
    return f"{version}.{group}"


def _service(group: str, version: str, priority: tuple[int, int], kind: str) -> APIService:
    spec = APIServiceSpec(
        group=group, version=version, group_priority_minimum=priority[0], version_priority=priority[1]
    )
    return APIService(metadata=ObjectMeta(name=name_of(group, version), labels={AUTOMANAGED: kind}), spec=spec)


def _replaced(service: APIService) -> bool:
    """Whether somebody has written a metrics server's APIService over ours, with the label still on it."""
    return service.spec.group == USAGE_GROUP and service.spec.service is not None


def _kind(service: APIService) -> str:
    return service.metadata.labels.get(AUTOMANAGED, "")
