"""Which FlowSchema a request belongs to: the first that matches, by precedence and then by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controlplane.api.flowcontrol_v1 import (
    FlowSchema,
    NonResourcePolicyRule,
    PolicyRulesWithSubjects,
    ResourcePolicyRule,
    Subject,
)
from controlplane.apiserver.request_info import RequestInfo
from controlplane.auth.interface import User
from controlplane.auth.service_account import split_username

BY_USER, BY_NAMESPACE = "ByUser", "ByNamespace"

_EVERY = "*"
_DEFAULT_PRECEDENCE = 1000


def in_order(schemas: Iterable[FlowSchema]) -> list[FlowSchema]:
    """Return schemas in the order in which they are asked."""
    return sorted(schemas, key=lambda schema: (precedence(schema), schema.metadata.name))


def precedence(schema: FlowSchema) -> int:
    value = schema.spec.matching_precedence
    return _DEFAULT_PRECEDENCE if value is None else value


def matches(schema: FlowSchema, user: User, info: RequestInfo) -> bool:
    """Return whether a request of `user` belongs to a schema."""
    return any(_rule_matches(rule, user, info) for rule in schema.spec.rules)


def distinguisher(schema: FlowSchema, user: User, info: RequestInfo) -> str:
    """Return what tells the flows of one schema apart: the user, the namespace, or nothing."""
    method = schema.spec.distinguisher_method
    if method is None:
        return ""
    return {BY_USER: user.name, BY_NAMESPACE: info.namespace}.get(method.type, "")


def _rule_matches(rule: PolicyRulesWithSubjects, user: User, info: RequestInfo) -> bool:
    if not any(_is(subject, user) for subject in rule.subjects):
        return False
    if info.is_resource:
        return any(_resource_matches(each, info) for each in rule.resource_rules)
    return any(_path_matches(each, info) for each in rule.non_resource_rules)


def _is(subject: Subject, user: User) -> bool:
    match subject.kind:
        case "User":
            return subject.user is not None and subject.user.name in (_EVERY, user.name)
        case "Group":
            return subject.group is not None and (subject.group.name == _EVERY or subject.group.name in user.groups)
        case "ServiceAccount":
            account, caller = subject.service_account, split_username(user.name)
            if account is None or caller is None or account.namespace != caller[0]:
                return False
            return account.name in (_EVERY, caller[1])
    return False


def _resource_matches(rule: ResourcePolicyRule, info: RequestInfo) -> bool:
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    if not (_has(rule.verbs, info.verb) and _has(rule.resources, resource) and _has(rule.api_groups, info.group)):
        return False
    return _has(rule.namespaces, info.namespace) if info.namespace else bool(rule.cluster_scope)


def _path_matches(rule: NonResourcePolicyRule, info: RequestInfo) -> bool:
    return _has(rule.verbs, info.verb) and any(_below(info.path, url) for url in rule.non_resource_urls)


def _below(path: str, url: str) -> bool:
    """Return whether a path is `url` or below it: /healthz also means /healthz/etcd, as upstream has it."""
    prefix = url.removesuffix("*")
    return url in (_EVERY, path) or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def _has(names: Sequence[str], name: str) -> bool:
    # "*" means all only where it stands alone, which validation makes sure of.
    return name in names or list(names) == [_EVERY]
