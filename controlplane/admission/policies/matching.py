"""MatchResources: which requests a policy, or a binding, is for."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.admission.interface import Attributes
from controlplane.admission.outside import Served
from controlplane.admission.selection import Selectors, matches_rule
from controlplane.api.admissionregistration_v1 import MatchResources, NamedRuleWithOperations
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import Resource


def matched_resource(
    match: MatchResources, selectors: Selectors, attributes: Attributes, reader: ObjectReader, served: Served
) -> Resource | None:
    """Return as which resource a request is matched; None: it is not. Raises NotFound if its namespace is missing."""
    if not selectors.match(attributes, reader):
        return None
    equivalents = () if match.match_policy == "Exact" else served.equivalents(attributes.resource)
    if _first(match.exclude_resource_rules, attributes, equivalents) is not None:
        return None
    if not match.resource_rules:
        return attributes.resource
    return _first(match.resource_rules, attributes, equivalents)


def _first(
    rules: Sequence[NamedRuleWithOperations], attributes: Attributes, equivalents: Sequence[Resource]
) -> Resource | None:
    named = [rule for rule in rules if not rule.resource_names or attributes.name in rule.resource_names]
    if any(matches_rule(rule, attributes, attributes.resource) for rule in named):
        return attributes.resource
    return next((one for rule in named for one in equivalents if matches_rule(rule, attributes, one)), None)
