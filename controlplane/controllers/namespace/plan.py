"""What a look at a namespace's content found, in words: the conditions of a namespace that is being deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controlplane.api.core_v1 import NamespaceCondition
from controlplane.controllers import conditions
from controlplane.controllers.discovery import ServedResource
from controlplane.kit.timestamps import format_time

FINALIZER = "kubernetes"


@dataclass(slots=True)
class Findings:
    """What remains after asking for the deletion of everything."""

    remaining: dict[str, int] = field(default_factory=dict)  # instances, by group resource
    finalizers: dict[str, int] = field(default_factory=dict)  # instances that carry each finalizer
    discovery_failures: list[str] = field(default_factory=list)
    deletion_failures: list[str] = field(default_factory=list)
    grace_seconds: int = 0  # the longest grace period among pods that still terminate

    @property
    def is_empty(self) -> bool:
        return not (self.remaining or self.discovery_failures or self.deletion_failures)


def deletable(resources: Iterable[ServedResource]) -> list[ServedResource]:
    """Return what lives in namespaces and can be deleted there."""
    return [one for one in resources if one.namespaced and {"delete", "list"} <= one.verbs]


_Wording = tuple[str, str, str, str, str]

# Type; reason and message when all is well; reason and the start of the message when it is not.
_DISCOVERY: _Wording = (
    "NamespaceDeletionDiscoveryFailure",
    "ResourcesDiscovered",
    "All resources successfully discovered",
    "DiscoveryFailed",
    "Discovery failed for some groups, {count} failing: unable to retrieve the complete list of server APIs: {items}",
)
_PARSING: _Wording = (
    "NamespaceDeletionGroupVersionParsingFailure",
    "ParsedGroupVersions",
    "All legacy kube types successfully parsed",
    "GroupVersionParsingFailed",
    "{items}",
)
_CONTENT: _Wording = (
    "NamespaceDeletionContentFailure",
    "ContentDeleted",
    "All content successfully deleted, may be waiting on finalization",
    "ContentDeletionFailed",
    "Failed to delete all resource types, {count} remaining: {items}",
)
_REMAINING: _Wording = (
    "NamespaceContentRemaining",
    "ContentRemoved",
    "All content successfully removed",
    "SomeResourcesRemain",
    "Some resources are remaining: {items}",
)
_FINALIZERS: _Wording = (
    "NamespaceFinalizersRemaining",
    "ContentHasNoFinalizers",
    "All content-preserving finalizers finished",
    "SomeFinalizersRemain",
    "Some content in the namespace has finalizers remaining: {items}",
)


def render_conditions(
    current: Iterable[NamespaceCondition], findings: Findings, now: datetime
) -> list[NamespaceCondition]:
    """Return the namespace's conditions after a look."""
    result = list(current)
    for wording, items in (
        (_DISCOVERY, findings.discovery_failures),
        (_PARSING, []),
        (_CONTENT, findings.deletion_failures),
        (_REMAINING, _counted(findings.remaining, "{0} has {1} resource instances")),
        (_FINALIZERS, _counted(findings.finalizers, "{0} in {1} resource instances")),
    ):
        result = _put(result, _condition(wording, items, now))
    return result


def _counted(counts: Mapping[str, int], wording: str) -> list[str]:
    return [wording.format(name, count) for name, count in sorted(counts.items())]


def _condition(wording: _Wording, items: list[str], now: datetime) -> NamespaceCondition:
    type_, fine, all_is_well, bad, what_is_wrong = wording
    message = what_is_wrong.format(count=len(items), items=", ".join(items)) if items else all_is_well
    return NamespaceCondition(
        type=type_,
        status="True" if items else "False",
        reason=bad if items else fine,
        message=message,
        last_transition_time=format_time(now),
    )


def _put(current: list[NamespaceCondition], new: NamespaceCondition) -> list[NamespaceCondition]:
    """Like `conditions.put`, but a new message is news too: it counts what remains."""
    old = conditions.find(current, new.type)
    if old is None:
        return [*current, new]
    if (old.status, old.reason, old.message) == (new.status, new.reason, new.message):
        return current
    return [new if one is old else one for one in current]


def seconds_to_next_look(findings: Findings) -> float:
    """Pods that terminate will be gone by half their grace period or later; everything else may be gone soon."""
    return findings.grace_seconds / 2 + 1 if findings.grace_seconds else _SOON


# Upstream waits 5 s at least; a namespace that is nearly empty can be gone sooner.
_SOON = 0.5
