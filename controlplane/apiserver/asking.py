"""What admission asks of authorization, which it does not know: each question is put to the authorizer.

SignerAccess      may they approve for, or sign as, this signer
ObjectAccess      may they do this to that object
Asking            what an expression asks: authorizer.group("").resource("pods").check("list").allowed()
RbacEscalation    a plug-in: nobody grants what they do not have
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controlplane.admission import Attributes, Operation, Plugin
from controlplane.admission.interface import Caller
from controlplane.admission.outside import NotYetAnswered
from controlplane.api.codec import from_document, without_nulls
from controlplane.api.rbac_v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from controlplane.api.resources import Resource
from controlplane.auth.authorizers import decide
from controlplane.auth.escalation import EscalationCheck
from controlplane.auth.interface import ALL_AUTHENTICATED, AccessRequest, Authorizer, Unanswered, User
from controlplane.auth.policy import RBAC_GROUP

if TYPE_CHECKING:
    from controlplane.cel.library.authorizer import Answer, Question


class SignerAccess:
    """Tells admission who may use a signer, by asking the authorizer."""

    def __init__(self, authorizer: Authorizer):
        self._authorizer = authorizer

    async def __call__(self, user: Caller, verb: str, name: str) -> bool:
        caller = User(user.name, groups=user.groups)
        request = AccessRequest(caller, verb, "certificates.k8s.io", "v1", "signers", name=name)
        return (await decide(self._authorizer, request)).allowed


class ObjectAccess:
    """Tells admission who may do something to an object, and why they may or may not."""

    def __init__(self, authorizer: Authorizer):
        self._authorizer = authorizer

    async def __call__(
        self, user: Caller, verb: str, resource: Resource, subresource: str, namespace: str, name: str
    ) -> tuple[bool, str]:
        caller = User(user.name, uid=user.uid, groups=user.groups, extra=user.extra)
        where = (resource.group, resource.version, resource.plural, subresource, namespace, name)
        decision = await decide(self._authorizer, AccessRequest(caller, verb, *where))
        return decision.allowed, decision.reason


class Asking:
    """Answers what expressions ask `authorizer`."""

    def __init__(self, authorizer: Authorizer):
        self._authorizer = authorizer

    def __call__(self, user: Caller, question: Question) -> Answer:
        from controlplane.cel.library.authorizer import Answer

        request = _request(user, question)
        try:
            decision = self._authorizer.authorize(request)
        except Unanswered as pending:
            asked = pending.answer

            async def answer() -> Answer:
                told = await asked()
                return Answer(told.allowed, told.reason)

            raise NotYetAnswered(question, answer) from pending
        return Answer(decision.allowed, decision.reason)


def _request(user: Caller, question: Question) -> AccessRequest:
    """Return a question as authorizers understand it."""
    caller = User(user.name, uid=user.uid, groups=user.groups, extra=user.extra)
    if question.service_account is not None:
        namespace, name = question.service_account
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", ALL_AUTHENTICATED)
        caller = User(f"system:serviceaccount:{namespace}:{name}", groups=groups)
    return AccessRequest(
        caller,
        question.verb,
        question.group,
        "*" if question.resource else "",
        question.resource,
        question.subresource,
        question.namespace,
        question.name,
        question.path,
        question.field_selector,
    )


_ROLES: dict[str, type[ClusterRole | Role]] = {"clusterroles": ClusterRole, "roles": Role}
_BINDINGS: dict[str, type[ClusterRoleBinding | RoleBinding]] = {
    "clusterrolebindings": ClusterRoleBinding,
    "rolebindings": RoleBinding,
}


class RbacEscalation(Plugin):
    """Nobody grants what they do not have; always on, for RBAC means nothing without it."""

    name = "RBACEscalation"
    looks_at = frozenset(
        f"{plural}.{RBAC_GROUP}" for plural in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
    )

    def __init__(self, check: EscalationCheck):
        self._check = check

    async def validate(self, attributes: Attributes) -> None:
        if attributes.resource.group != RBAC_GROUP or attributes.document is None:
            return
        if attributes.operation not in (Operation.CREATE, Operation.UPDATE):
            return
        user = User(attributes.user.name, groups=attributes.user.groups)
        plural = attributes.resource.plural
        if plural in _ROLES:
            role_type = _ROLES[plural]
            await self._check.check_role(user, *_typed(attributes, role_type))
        elif plural in _BINDINGS:
            binding_type = _BINDINGS[plural]
            await self._check.check_binding(user, *_typed(attributes, binding_type))


def _typed(attributes: Attributes, type_: type[Any]) -> tuple[Any, Any]:
    """Return the new object and the stored one."""
    new = from_document(without_nulls(attributes.document), type_)
    old = from_document(without_nulls(attributes.old), type_) if attributes.old is not None else None
    return new, old
