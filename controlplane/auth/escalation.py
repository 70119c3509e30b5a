"""Nobody grants what they do not have.

Writing a role needs every right in it, or the verb `escalate` on the role; writing a binding needs every right of the
role it names, or the verb `bind` on that role. Group system:masters needs neither.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec.structs import replace

from controlplane.api.rbac_v1 import ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef
from controlplane.api.resources import Resource, resource_of
from controlplane.api.status import forbidden, not_found
from controlplane.auth.authorizers import decide
from controlplane.auth.interface import SYSTEM_MASTERS, AccessRequest, Authorizer, User
from controlplane.auth.policy import RBAC_GROUP, paths, rule
from controlplane.auth.rbac import RbacAuthorizer
from controlplane.auth.rule_cover import missing_rules

_Granting = ClusterRole | Role | ClusterRoleBinding | RoleBinding
_EVERYTHING = (rule("*", "*", groups="*"), paths("*", "*"))


class EscalationCheck:
    """Refuses writes of roles and bindings that would give somebody more than the writer has."""

    def __init__(self, rbac: RbacAuthorizer, authorizer: Authorizer):
        self._rbac, self._authorizer = rbac, authorizer

    async def check_role(self, user: User, role: ClusterRole | Role, old: ClusterRole | Role | None) -> None:
        """Raise Forbidden if `user` may not write these rules.

        They count even where they are as before: a label alone may put them into a role that gathers others.
        """
        resource = resource_of(type(role))
        if old is not None and _only_for_collection(role, old):
            return
        if await self._exempt(user, "escalate", resource, role.metadata.namespace, role.metadata.name):
            return
        self._require(user, role.rules, resource, role.metadata.namespace, role.metadata.name)
        gathers = any(isinstance(one, ClusterRole) and one.aggregation_rule is not None for one in (role, old))
        if gathers and missing_rules(self._rbac.rules_for(user, "")[0], _EVERYTHING):
            raise forbidden(
                resource, role.metadata.name, "must have cluster-admin privileges to use the aggregationRule"
            )

    async def check_binding(
        self,
        user: User,
        binding: ClusterRoleBinding | RoleBinding,
        old: ClusterRoleBinding | RoleBinding | None,
    ) -> None:
        """Raise Forbidden if `user` may not hand out the role, NotFound if there is no such role."""
        resource, metadata = resource_of(type(binding)), binding.metadata
        ref = binding.role_ref or RoleRef()
        if old is not None and _only_for_collection(binding, old):
            return
        role_resource = resource_of(ClusterRole if ref.kind == "ClusterRole" else Role)
        if await self._exempt(user, "bind", role_resource, metadata.namespace, ref.name):
            return
        try:
            rules = self._rbac.role_rules(ref, metadata.namespace)
        except LookupError as error:
            raise not_found(role_resource, ref.name) from error
        self._require(user, rules, resource, metadata.namespace, metadata.name)

    async def _exempt(self, user: User, verb: str, resource: Resource, namespace: str, name: str) -> bool:
        if SYSTEM_MASTERS in user.groups:
            return True
        request = AccessRequest(
            user, verb, RBAC_GROUP, resource.version, resource.plural, namespace=namespace, name=name
        )
        return (await decide(self._authorizer, request)).allowed

    def _require(self, user: User, rules: Sequence[PolicyRule], resource: Resource, namespace: str, name: str) -> None:
        held, error = self._rbac.rules_for(user, namespace)
        if missing := missing_rules(held, rules):
            why = refusal_text(user, missing) + (f"; resolution errors: [{error}]" if error else "")
            raise forbidden(resource, name, why)


def _only_for_collection(new: _Granting, old: _Granting) -> bool:
    """Return whether a write changes nothing but what the garbage collector needs to change: it has no rights."""
    return _apart_from_collection(new) == _apart_from_collection(old)


def _apart_from_collection(one: _Granting) -> _Granting:
    metadata = replace(one.metadata, owner_references=[], finalizers=[], managed_fields=[], resource_version="")
    return replace(one, metadata=metadata)


def refusal_text(user: User, missing: Sequence[PolicyRule]) -> str:
    """Return upstream's sentence, with the missing rights one a line."""
    listed = "\n".join(sorted(map(describe_rule, missing)))
    return (
        f'user "{user.name}" (groups={_quoted(user.groups)}) is attempting to grant RBAC permissions not currently '
        f"held:\n{listed}"
    )


def describe_rule(rule: PolicyRule) -> str:
    """{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}"""
    parts = {
        "APIGroups": rule.api_groups,
        "Resources": rule.resources,
        "NonResourceURLs": rule.non_resource_urls,
        "ResourceNames": rule.resource_names,
        "Verbs": rule.verbs,
    }
    return "{" + ", ".join(f"{name}:{_quoted(values)}" for name, values in parts.items() if values) + "}"


def _quoted(values: Sequence[str]) -> str:
    return "[" + " ".join(json.dumps(value, ensure_ascii=False) for value in values) + "]"
