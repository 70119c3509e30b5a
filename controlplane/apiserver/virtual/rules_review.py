"""SelfSubjectRulesReview: what may I do here? (`kubectl auth can-i --list`)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controlplane.api.authorization_v1 import SelfSubjectRulesReview
from controlplane.api.codec import Document
from controlplane.api.rbac_v1 import PolicyRule
from controlplane.api.status import BadRequest
from controlplane.apiserver.virtual.dependencies import Dependencies, Handler, answered, typed
from controlplane.auth.interface import NODES, User


def handler(dependencies: Dependencies) -> Handler:
    async def handle(document: Document, user: User, namespace: str, name: str) -> Document:
        wanted = typed(document, SelfSubjectRulesReview).spec.namespace
        if not wanted:
            raise BadRequest("no namespace on request")
        rules, error = dependencies.rbac.rules_for(user, wanted)
        # What a node may do depends on its pods: no list of rules says it.
        node = ["node authorizer does not support user rule resolution"] if NODES in user.groups else []
        error = ", ".join(filter(None, [error, *node, *dependencies.unlisted]))
        return answered(document, _status(rules, error))

    return handle


def _status(rules: Sequence[PolicyRule], error: str) -> dict[str, Any]:
    status: dict[str, Any] = {
        "resourceRules": [_resource_rule(rule) for rule in rules if rule.resources],
        "nonResourceRules": [
            {"verbs": rule.verbs, "nonResourceURLs": rule.non_resource_urls} for rule in rules if rule.non_resource_urls
        ],
        "incomplete": bool(error),
    }
    return status | ({"evaluationError": error} if error else {})


def _resource_rule(rule: PolicyRule) -> dict[str, Any]:
    shown = {"verbs": rule.verbs, "apiGroups": rule.api_groups, "resources": rule.resources}
    return shown | ({"resourceNames": rule.resource_names} if rule.resource_names else {})
