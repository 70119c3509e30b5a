"""Which names a definition gets, and what its conditions say of that. Pure.

Within a group, plurals, singulars and short names are one set of names, kinds and list kinds another; who asks first
has them. A definition is established, and its resource served, when for the first time all of its names were free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from controlplane.api.apiextensions_v1 import (
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionStatus,
)
from controlplane.api.base import KubeStruct
from controlplane.api.codec import decode
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.structural.definitions import APPROVED, REVIEWS, is_protected

ESTABLISHED, NAMES_ACCEPTED, TERMINATING = "Established", "NamesAccepted", "Terminating"
CONFORMANT = "KubernetesAPIApprovalPolicyConformant"
NO_NAMES = CustomResourceDefinitionNames()

# Each name by its field, the reason when it is taken, and the set it belongs to.
_NAMES = (
    ("plural", "Plural", "resource"),
    ("singular", "Singular", "resource"),
    ("kind", "Kind", "kind"),
    ("list_kind", "ListKind", "kind"),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The names that one definition has got."""

    uid: str
    group: str
    names: CustomResourceDefinitionNames


class _Spec(KubeStruct):
    group: str = ""


class _Status(KubeStruct):
    accepted_names: CustomResourceDefinitionNames = NO_NAMES


class _Outline(KubeStruct):
    metadata: ObjectMeta = ObjectMeta()
    spec: _Spec = _Spec()
    status: _Status = _Status()


def claim_of(data: bytes) -> Claim:
    """Return what the JSON of a definition lays claim to; its schemas, which are long, are not read."""
    outline = decode(data, _Outline)
    return Claim(outline.metadata.uid, outline.spec.group, outline.status.accepted_names)


def is_true(definition: CustomResourceDefinition, type_: str) -> bool:
    """Return whether a condition of this type is True."""
    return any(one.type == type_ and one.status == "True" for one in definition.status.conditions)


def with_condition(
    status: CustomResourceDefinitionStatus, type_: str, state: str, reason: str, message: str, now: str
) -> CustomResourceDefinitionStatus:
    """Return a status that says so; `now` is when, if the state was another."""
    conditions = list(status.conditions)
    made = CustomResourceDefinitionCondition(
        type=type_, status=state, reason=reason, message=message, last_transition_time=now
    )
    for index, old in enumerate(conditions):
        if old.type == type_:
            since = old.last_transition_time if old.status == state else now
            conditions[index] = replace(made, last_transition_time=since, observed_generation=old.observed_generation)
            break
    else:
        conditions.append(made)
    return replace(status, conditions=conditions)


def plan_names(
    definition: CustomResourceDefinition, claims: Iterable[Claim], now: str
) -> CustomResourceDefinitionStatus:
    """Return the status of a definition; `claims` are those of all definitions. `now` is RFC 3339."""
    wanted = definition.spec.names or NO_NAMES
    got = definition.status.accepted_names or NO_NAMES
    if wanted != got or not is_true(definition, NAMES_ACCEPTED):
        got, reason, message = _accept(wanted, got, _taken(definition, claims))
    else:
        reason, message = "", ""
    status = _with_approval(replace(definition.status, accepted_names=got), definition, now)
    if reason:
        status = with_condition(status, NAMES_ACCEPTED, "False", reason, message, now)
        if not is_true(definition, ESTABLISHED):
            status = with_condition(status, ESTABLISHED, "False", "NotAccepted", "not all names are accepted", now)
        return status
    status = with_condition(status, NAMES_ACCEPTED, "True", "NoConflicts", "no conflicts found", now)
    if not is_true(definition, ESTABLISHED):
        message = "the initial names have been accepted"
        status = with_condition(status, ESTABLISHED, "True", "InitialNamesAccepted", message, now)
    return status


def _with_approval(
    status: CustomResourceDefinitionStatus, definition: CustomResourceDefinition, now: str
) -> CustomResourceDefinitionStatus:
    """Say of a group of the project itself whether somebody has approved of the resource."""
    if not is_protected(definition.spec.group):
        return status
    annotation = definition.metadata.annotations.get(APPROVED, "")
    if not annotation:
        why = f'protected groups must have approval annotation "{APPROVED}", see {REVIEWS}'
        return with_condition(status, CONFORMANT, "False", "MissingAnnotation", why, now)
    if annotation.startswith("unapproved"):
        return with_condition(status, CONFORMANT, "False", "UnapprovedAnnotation", f'not approved: "{annotation}"', now)
    return with_condition(status, CONFORMANT, "True", "ApprovedAnnotation", f"approved in {annotation}", now)


def _taken(definition: CustomResourceDefinition, claims: Iterable[Claim]) -> dict[str, frozenset[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for claim in claims:
        if claim.group == definition.spec.group and claim.uid != definition.metadata.uid:
            names = claim.names
            resources |= {names.plural, names.singular, *names.short_names}
            kinds |= {names.kind, names.list_kind}
    return {"resource": frozenset(resources - {""}), "kind": frozenset(kinds - {""})}


def _accept(
    wanted: CustomResourceDefinitionNames, got: CustomResourceDefinitionNames, taken: dict[str, frozenset[str]]
) -> tuple[CustomResourceDefinitionNames, str, str]:
    """Return the names that are accepted, and the last conflict's reason and message."""
    reason = message = ""
    for field, shown, kind in _NAMES[:2]:
        got, conflict = _accept_one(wanted, got, field, taken[kind])
        if conflict:
            reason, message = f"{shown}Conflict", conflict
    conflicts = [_in_use(one) for one in wanted.short_names if one not in got.short_names and one in taken["resource"]]
    if conflicts:
        reason, message = "ShortNamesConflict", _aggregate(conflicts)
    else:
        got = replace(got, short_names=wanted.short_names)
    for field, shown, kind in _NAMES[2:]:
        got, conflict = _accept_one(wanted, got, field, taken[kind])
        if conflict:
            reason, message = f"{shown}Conflict", conflict
    return replace(got, categories=wanted.categories), reason, message


def _accept_one(
    wanted: CustomResourceDefinitionNames, got: CustomResourceDefinitionNames, field: str, taken: frozenset[str]
) -> tuple[CustomResourceDefinitionNames, str]:
    name = getattr(wanted, field)
    if name != getattr(got, field) and name in taken:
        return got, _in_use(name)
    return replace(got, **{field: name}), ""


def _in_use(name: str) -> str:
    return f'"{name}" is already in use'


def _aggregate(messages: Sequence[str]) -> str:
    return messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"
