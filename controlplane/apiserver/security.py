"""Putting together who may call the server, who may do what, and which policy holds: from settings to objects.

security = build(SecuritySettings(...), reader, clock, random)
security.authenticator, security.authorizer, security.admission      for every request
security.dependencies                                                for `virtual`
security.public_documents                                            /.well-known and /openid/v1/jwks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from controlplane.admission import Attributes, Chain, Materials, Operation, Plugin, default_chain
from controlplane.admission.interface import Caller
from controlplane.api.codec import from_document, without_nulls
from controlplane.api.rbac_v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from controlplane.api.reader import ObjectReader
from controlplane.apiserver.virtual.dependencies import Dependencies
from controlplane.apiserver.virtual.openid import PublicDocument, documents
from controlplane.auth.authenticator import UnionAuthenticator
from controlplane.auth.authorizers import AlwaysAllow, AlwaysDeny, MastersAuthorizer, UnionAuthorizer, decide
from controlplane.auth.bootstrap_token import BootstrapTokens
from controlplane.auth.escalation import EscalationCheck
from controlplane.auth.interface import AccessRequest, Authenticator, Authorizer, Credentials, User
from controlplane.auth.jwt import PublicKey, SigningKey
from controlplane.auth.node import NodeAuthorizer
from controlplane.auth.policy import RBAC_GROUP
from controlplane.auth.rbac import RbacAuthorizer
from controlplane.auth.service_account import ServiceAccountTokens, TokenIssuer
from controlplane.auth.static_token import StaticTokens
from controlplane.auth.x509 import X509Authenticator
from controlplane.kit.clock import Clock

AUTHORIZATION_MODES: Mapping[str, Callable[[ObjectReader, RbacAuthorizer], Authorizer]] = {
    "Node": lambda reader, _: NodeAuthorizer(reader),
    "RBAC": lambda _, rbac: rbac,
    "AlwaysAllow": lambda *_: AlwaysAllow(),
    "AlwaysDeny": lambda *_: AlwaysDeny(),
}


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """The flags that concern security, already read from files."""

    signing_key: SigningKey  # --service-account-signing-key-file
    verifying_keys: tuple[PublicKey, ...]  # --service-account-key-file
    issuers: tuple[str, ...] = ("https://kubernetes.default.svc.cluster.local",)  # the first one signs
    audiences: tuple[str, ...] = ()  # --api-audiences; the issuers, if none
    jwks_uri: str = ""
    static_tokens: Mapping[str, User] = field(default_factory=dict)
    anonymous: bool = True
    bootstrap_tokens: bool = True
    authorization_modes: tuple[str, ...] = ("Node", "RBAC")
    enabled_plugins: tuple[str, ...] = ()
    disabled_plugins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Security:
    """Everything the server asks before it lets a request through."""

    authenticator: UnionAuthenticator
    authorizer: Authorizer
    admission: Chain
    dependencies: Dependencies
    public_documents: Mapping[str, PublicDocument]


def build(
    settings: SecuritySettings,
    reader: ObjectReader,
    clock: Clock,
    random: Random,
    *,
    new_uuid: Callable[[], str],
) -> Security:
    """Return the server's security. Raises ValueError for an unknown authorization mode or admission plugin."""
    audiences = settings.audiences or settings.issuers
    accounts = ServiceAccountTokens(settings.verifying_keys, settings.issuers, audiences, reader, clock)
    other_tokens: list[Authenticator] = [StaticTokens(settings.static_tokens)]
    if settings.bootstrap_tokens:
        other_tokens.append(BootstrapTokens(reader, clock))
    rbac = RbacAuthorizer(reader)
    authorizer = UnionAuthorizer(MastersAuthorizer(), *_authorizers(settings.authorization_modes, reader, rbac))
    materials = Materials(reader, clock, random, SignerAccess(authorizer))
    return Security(
        authenticator=UnionAuthenticator(
            [X509Authenticator(clock), accounts, *other_tokens], anonymous=settings.anonymous
        ),
        authorizer=authorizer,
        admission=default_chain(
            materials,
            enabled=settings.enabled_plugins,
            disabled=settings.disabled_plugins,
            extra=[RbacEscalation(EscalationCheck(rbac, authorizer))],
        ),
        dependencies=Dependencies(
            reader=reader,
            authorizer=authorizer,
            rbac=rbac,
            tokens=FirstToKnow(other_tokens),
            service_accounts=accounts,
            issuer=TokenIssuer(settings.signing_key, settings.issuers[0], audiences, clock, new_uuid),
            clock=clock,
        ),
        public_documents=documents(settings.issuers[0], settings.jwks_uri, settings.verifying_keys),
    )


def _authorizers(modes: Sequence[str], reader: ObjectReader, rbac: RbacAuthorizer) -> list[Authorizer]:
    if unknown := [mode for mode in modes if mode not in AUTHORIZATION_MODES]:
        raise ValueError(f"{', '.join(unknown)} is not one of {', '.join(AUTHORIZATION_MODES)}")
    return [AUTHORIZATION_MODES[mode](reader, rbac) for mode in modes]


class FirstToKnow:
    """Several kinds of token, as one authenticator."""

    def __init__(self, authenticators: Sequence[Authenticator]):
        self._authenticators = authenticators

    async def authenticate(self, credentials: Credentials) -> User | None:
        for authenticator in self._authenticators:
            if (user := await authenticator.authenticate(credentials)) is not None:
                return user
        return None


class SignerAccess:
    """Tells admission who may use a signer, by asking the authorizer."""

    def __init__(self, authorizer: Authorizer):
        self._authorizer = authorizer

    async def __call__(self, user: Caller, verb: str, name: str) -> bool:
        caller = User(user.name, groups=user.groups)
        request = AccessRequest(caller, verb, "certificates.k8s.io", "v1", "signers", name=name)
        return (await decide(self._authorizer, request)).allowed


_ROLES: dict[str, type[ClusterRole | Role]] = {"clusterroles": ClusterRole, "roles": Role}
_BINDINGS: dict[str, type[ClusterRoleBinding | RoleBinding]] = {
    "clusterrolebindings": ClusterRoleBinding,
    "rolebindings": RoleBinding,
}


class RbacEscalation(Plugin):
    """Nobody grants what they do not have; always on, for RBAC means nothing without it."""

    name = "RBACEscalation"

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
