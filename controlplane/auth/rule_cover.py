"""Whether one set of rules gives everything that another gives.

Rules are broken down into atoms (one verb on one resource of one group, perhaps of one name) and each atom must be
covered by a single rule on the other side. Wildcards cover; resource names narrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from controlplane.api.rbac_v1 import PolicyRule
from controlplane.auth.rules import ALL


def missing_rules(held: Sequence[PolicyRule], wanted: Iterable[PolicyRule]) -> list[PolicyRule]:
    """Return what `wanted` gives and `held` does not, as compact rules."""
    atoms = [atom for rule in wanted for atom in breakdown(rule)]
    return compact([atom for atom in atoms if not any(covers(rule, atom) for rule in held)])


def breakdown(rule: PolicyRule) -> Iterator[PolicyRule]:
    """Yield the rule's atoms."""
    for verb in rule.verbs:
        for url in rule.non_resource_urls:
            yield PolicyRule(verbs=[verb], non_resource_urls=[url])
        for group in rule.api_groups:
            for resource in rule.resources:
                for names in [[name] for name in rule.resource_names] or [[]]:
                    yield PolicyRule(verbs=[verb], api_groups=[group], resources=[resource], resource_names=names)


def covers(held: PolicyRule, atom: PolicyRule) -> bool:
    """Return whether one rule alone gives this atom."""
    if not (ALL in held.verbs or atom.verbs[0] in held.verbs):
        return False
    if atom.non_resource_urls:
        return any(_covers_path(url, atom.non_resource_urls[0]) for url in held.non_resource_urls)
    if not (ALL in held.api_groups or atom.api_groups[0] in held.api_groups):
        return False
    if not _covers_resource(held.resources, atom.resources[0]):
        return False
    return not held.resource_names or (bool(atom.resource_names) and atom.resource_names[0] in held.resource_names)


def _covers_resource(held: Sequence[str], wanted: str) -> bool:
    if ALL in held or wanted in held:
        return True
    _, slash, subresource = wanted.partition("/")
    return bool(slash) and f"*/{subresource}" in held


def _covers_path(held: str, wanted: str) -> bool:
    return held in (ALL, wanted) or (held.endswith(ALL) and wanted.startswith(held.rstrip(ALL)))


def compact(atoms: Iterable[PolicyRule]) -> list[PolicyRule]:
    """Return the atoms with the verbs of each resource, or path, gathered in one rule."""
    verbs: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for atom in atoms:
        parts = (atom.api_groups, atom.resources, atom.resource_names, atom.non_resource_urls)
        known = verbs.setdefault(tuple(map(tuple, parts)), [])
        if atom.verbs[0] not in known:
            known.append(atom.verbs[0])
    return [
        PolicyRule(
            api_groups=list(groups),
            resources=list(resources),
            resource_names=list(names),
            non_resource_urls=list(urls),
            verbs=allowed,
        )
        for (groups, resources, names, urls), allowed in verbs.items()
    ]
