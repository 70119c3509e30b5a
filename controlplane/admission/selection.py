"""Which requests a webhook or a policy is for: its rules, and what its selectors say of namespace and object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from controlplane.admission.interface import Attributes, Operation
from controlplane.api.core_v1 import Namespace
from controlplane.api.meta_v1 import LabelSelector
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import Resource, resource_of
from controlplane.api.selectors import Selector, label_selector
from controlplane.api.status import not_found

ADMISSION_GROUP = "admissionregistration.k8s.io"


class Rule(Protocol):
    """RuleWithOperations, and with names NamedRuleWithOperations."""

    @property
    def api_groups(self) -> Sequence[str]: ...
    @property
    def api_versions(self) -> Sequence[str]: ...
    @property
    def operations(self) -> Sequence[str]: ...
    @property
    def resources(self) -> Sequence[str]: ...
    @property
    def scope(self) -> str: ...


def is_exempt(attributes: Attributes) -> bool:
    """Return whether a request is about admission itself, which nothing dynamic may lock out."""
    return attributes.resource.group == ADMISSION_GROUP


def is_namespace(resource: Resource) -> bool:
    return resource.plural == "namespaces" and resource.group == ""


def namespace_of(attributes: Attributes) -> str:
    """Return the namespace a request is about; a namespace, once it has a name, is in itself."""
    if is_namespace(attributes.resource) and attributes.operation is not Operation.CREATE:
        return attributes.name
    return attributes.namespace


def matches_rule(rule: Rule, attributes: Attributes, resource: Resource) -> bool:
    """Return whether a rule is for a request, taken as one for `resource`."""
    return (
        _is_any(rule.operations, attributes.operation.value)
        and _is_any(rule.api_groups, resource.group)
        and _is_any(rule.api_versions, resource.version)
        and _matches_scope(rule.scope, attributes)
        and any(_matches_resource(one, resource.plural, attributes.subresource) for one in rule.resources)
    )


def _is_any(allowed: Sequence[str], value: str) -> bool:
    return value in allowed or "*" in allowed


def _matches_scope(scope: str, attributes: Attributes) -> bool:
    if scope in ("", "*"):
        return True
    cluster_wide = is_namespace(attributes.resource) or not attributes.namespace
    return cluster_wide if scope == "Cluster" else scope == "Namespaced" and not cluster_wide


def _matches_resource(pattern: str, plural: str, subresource: str) -> bool:
    wanted, _, wanted_subresource = pattern.partition("/")
    return wanted in ("*", plural) and wanted_subresource in ("*", subresource)


def matching(
    rules: Iterable[Rule], attributes: Attributes, equivalents: Sequence[Resource], policy: str
) -> Resource | None:
    """Return as which resource a request is matched: its own or, with Equivalent, one that serves the same objects."""
    rules = list(rules)
    if any(matches_rule(rule, attributes, attributes.resource) for rule in rules):
        return attributes.resource
    if policy == "Exact":
        return None
    for rule in rules:
        for resource in equivalents:
            if matches_rule(rule, attributes, resource):
                return resource
    return None


@dataclass(frozen=True, slots=True)
class Selectors:
    """The two selectors of a webhook or a policy, read once."""

    namespaces: Selector
    objects: Selector

    @classmethod
    def of(cls, namespaces: LabelSelector | None, objects: LabelSelector | None) -> Selectors:
        # For these, no selector selects everything.
        return cls(label_selector(namespaces or LabelSelector()), label_selector(objects or LabelSelector()))

    def match(self, attributes: Attributes, reader: ObjectReader) -> bool:
        """Return whether both select a request. Raises NotFound if its namespace is not there."""
        return self._matches_object(attributes) and self._matches_namespace(attributes, reader)

    def _matches_object(self, attributes: Attributes) -> bool:
        if self.objects.everything:
            return True
        return any(
            one is not None and self.objects.matches(_labels(one)) for one in (attributes.document, attributes.old)
        )

    def _matches_namespace(self, attributes: Attributes, reader: ObjectReader) -> bool:
        if self.namespaces.everything:
            return True
        namespace = namespace_of(attributes)
        if is_namespace(attributes.resource):
            new = attributes.document
            if new is not None and not attributes.subresource:
                return self.namespaces.matches(_labels(new))
        elif not namespace:
            return True  # cluster-wide objects are in no namespace that could be left out
        found = reader.get(Namespace, "", namespace)
        if found is None:
            raise not_found(resource_of(Namespace), namespace)
        return self.namespaces.matches(found.metadata.labels)


def _labels(document: Mapping[str, Any]) -> Mapping[str, str]:
    return (document.get("metadata") or {}).get("labels") or {}
