"""What one RBAC rule allows: the whole of the matching, and nothing else.

    rule:     apiGroups [""]   resources ["pods", "pods/log", "*/scale"]   verbs ["get"]   resourceNames ["web"]
    request:  get pods/log "web"  ─►  allowed

A rule either speaks of resources or of paths outside the API's resources (`nonResourceURLs`), never of both.
"""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.api.rbac_v1 import PolicyRule
from controlplane.auth.interface import AccessRequest

ALL = "*"


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule made ready to be asked often: its lists as sets, its wildcards as booleans."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    paths: frozenset[str]
    path_prefixes: tuple[str, ...]
    any_verb: bool
    any_group: bool
    any_resource: bool
    any_path: bool

    def allows(self, request: AccessRequest) -> bool:
        """Return whether this rule alone lets the request through."""
        if not (self.any_verb or request.verb in self.verbs):
            return False
        if not request.resource:
            return self._allows_path(request.path)
        if not (self.any_group or request.group in self.groups):
            return False
        return self._allows_resource(request.resource, request.subresource) and (
            not self.names or request.name in self.names
        )

    def _allows_resource(self, resource: str, subresource: str) -> bool:
        if self.any_resource:
            return True
        if not subresource:
            return resource in self.resources
        # "pods" does not cover "pods/log"; "*/scale" covers the scale of everything.
        return f"{resource}/{subresource}" in self.resources or f"*/{subresource}" in self.resources

    def _allows_path(self, path: str) -> bool:
        return self.any_path or path in self.paths or path.startswith(self.path_prefixes)


def compile_rule(rule: PolicyRule) -> CompiledRule:
    """Return the rule, ready to be asked."""
    return CompiledRule(
        verbs=frozenset(rule.verbs),
        groups=frozenset(rule.api_groups),
        resources=frozenset(rule.resources),
        names=frozenset(rule.resource_names),
        paths=frozenset(rule.non_resource_urls),
        path_prefixes=tuple(url.rstrip(ALL) for url in rule.non_resource_urls if url.endswith(ALL)),
        any_verb=ALL in rule.verbs,
        any_group=ALL in rule.api_groups,
        any_resource=ALL in rule.resources,
        any_path=ALL in rule.non_resource_urls,
    )
