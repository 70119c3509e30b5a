"""Putting together who may call the server, who may do what, and which policy holds: from settings to objects.

security = build(SecuritySettings(...), reader, clock, random)
security.authenticator, security.authorizer, security.admission      for every request
security.dependencies                                                for `virtual`
security.public_documents                                            /.well-known and /openid/v1/jwks
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from controlplane.admission import Chain, Materials, default_chain
from controlplane.admission.configuration import DEFAULT_CONFIGURATION, PluginConfiguration
from controlplane.admission.metrics import AdmissionMetrics
from controlplane.admission.namespace_presence import Provide
from controlplane.admission.outside import Outside, Served, WebhookCaller
from controlplane.admission.resource_quota import QuotaLedger
from controlplane.api.reader import ObjectReader
from controlplane.api.status import Unauthorized
from controlplane.apiserver.asking import Asking, ObjectAccess, RbacEscalation, SignerAccess
from controlplane.apiserver.authorization import (
    AuthorizationFile,
    AuthorizerMaker,
    CurrentAuthorizer,
    Mode,
    WebhookMode,
)
from controlplane.apiserver.identity_providers import IdentityProviders, ProviderSettings
from controlplane.apiserver.reload import Followed
from controlplane.apiserver.virtual.dependencies import Dependencies
from controlplane.apiserver.virtual.openid import PublicDocument, documents
from controlplane.auth.authenticator import AnonymousPolicy, UnionAuthenticator
from controlplane.auth.bootstrap_token import BootstrapTokens
from controlplane.auth.escalation import EscalationCheck
from controlplane.auth.interface import (
    Authenticator,
    Authorizer,
    Credentials,
    User,
)
from controlplane.auth.jwt import PublicKey, SigningKey
from controlplane.auth.legacy_token import LegacyTokens
from controlplane.auth.oidc.configuration import AuthenticationConfiguration
from controlplane.auth.rbac import RbacAuthorizer
from controlplane.auth.remote import Ask, Webhook
from controlplane.auth.request_header import RequestHeaderAuthenticator, RequestHeaderSettings, Roots
from controlplane.auth.service_account import ANY_TIME, Lifetimes, ServiceAccountTokens, TokenIssuer
from controlplane.auth.static_token import StaticTokens
from controlplane.auth.webhook_authorizer import Observer
from controlplane.auth.webhook_token import WebhookTokens
from controlplane.auth.x509 import X509Authenticator
from controlplane.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class TokenWebhook:
    """--authentication-token-webhook-*: who is asked about tokens that nobody here knows."""

    ask: Ask
    version: str = "v1beta1"
    ttl: float = 120.0  # seconds an answer is kept


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """The flags that concern security, already read from files."""

    signing_key: SigningKey  # --service-account-signing-key-file
    verifying_keys: tuple[PublicKey, ...]  # --service-account-key-file
    issuers: tuple[str, ...] = ("https://kubernetes.default.svc.cluster.local",)  # the first one signs
    audiences: tuple[str, ...] = ()  # --api-audiences; the issuers, if none
    jwks_uri: str = ""
    lifetimes: Lifetimes = ANY_TIME  # --service-account-max-token-expiration, -extend-token-expiration
    static_tokens: Mapping[str, User] = field(default_factory=dict)
    anonymous: bool = True
    bootstrap_tokens: bool = True
    providers: ProviderSettings | None = None  # --oidc-*, --authentication-config
    token_webhook: TokenWebhook | None = None
    client_ca: bytes = b""  # --client-ca-file, in PEM: who signs certificates of users
    client_ca_file: Path | None = None  # where it is read again, if it may change
    request_headers: RequestHeaderSettings | None = None  # --requestheader-*
    authorization_modes: tuple[Mode, ...] = ("Node", "RBAC")
    authorization_file: AuthorizationFile | None = None  # where those modes come from, if they come from a file
    enabled_plugins: tuple[str, ...] = ()
    disabled_plugins: tuple[str, ...] = ()
    plugin_configuration: PluginConfiguration = DEFAULT_CONFIGURATION  # --admission-control-config-file


@dataclass(frozen=True, slots=True)
class Dynamic:
    """What webhooks and policies need of the server."""

    served: Served
    webhooks: WebhookCaller
    metrics: AdmissionMetrics
    awake: Callable[[], bool]  # whether the server has written its own first objects


@dataclass(frozen=True, slots=True)
class Security:
    """Everything the server asks before it lets a request through."""

    authenticator: UnionAuthenticator
    authorizer: Authorizer
    admission: Chain
    dependencies: Dependencies
    public_documents: Mapping[str, PublicDocument]
    background: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()  # what has to run as long as the server does
    followed: Sequence[Followed] = ()  # files that take effect when they change


def build(
    settings: SecuritySettings,
    reader: ObjectReader,
    clock: Clock,
    random: Random,
    *,
    new_uuid: Callable[[], str],
    observer: Observer,
    dynamic: Dynamic | None = None,
    quotas: QuotaLedger | None = None,
    provide: Provide | None = None,
) -> Security:
    """Return the server's security. Raises ValueError for an unknown authorization mode or admission plugin."""
    audiences = settings.audiences or settings.issuers
    accounts = ServiceAccountTokens(settings.verifying_keys, settings.issuers, audiences, reader, clock)
    providers = IdentityProviders(settings.providers, clock) if settings.providers else None
    others = list(_other_tokens(settings, reader, clock, random, providers))
    authenticator = UnionAuthenticator(
        [*_certificates(settings, clock), accounts, *others],
        anonymous=_anonymous(settings.anonymous, settings.providers.configuration if settings.providers else None),
    )
    rbac = RbacAuthorizer(reader)
    maker = AuthorizerMaker(reader, rbac, clock, random, observer)
    authorizer: Authorizer = maker.union(settings.authorization_modes)
    if settings.authorization_file is not None:
        authorizer = CurrentAuthorizer(authorizer)
    materials = Materials(
        reader=reader,
        clock=clock,
        random=random,
        signer_policy=SignerAccess(authorizer),
        outside=_outside(dynamic, authorizer, new_uuid) if dynamic is not None else None,
        provide=provide,
        allowed=ObjectAccess(authorizer),
        quotas=quotas,
        configuration=settings.plugin_configuration,
    )
    return Security(
        authenticator=authenticator,
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
            tokens=FirstToKnow(others),
            service_accounts=accounts,
            issuer=_issuer(settings, clock, new_uuid),
            clock=clock,
            unlisted=tuple(_UNLISTED[type(mode)] for mode in settings.authorization_modes if type(mode) in _UNLISTED),
        ),
        public_documents=documents(settings.issuers[0], settings.jwks_uri, settings.verifying_keys),
        background=() if providers is None else (providers.run,),
        followed=[
            *_followed_providers(settings, providers, authenticator),
            *_followed_authorizers(settings.authorization_file, authorizer, maker),
        ],
    )


def _other_tokens(
    settings: SecuritySettings,
    reader: ObjectReader,
    clock: Clock,
    random: Random,
    providers: IdentityProviders | None,
) -> Iterator[Authenticator]:
    """Yield who believes tokens that are not bound tokens of service accounts, in the order they are asked."""
    yield StaticTokens(settings.static_tokens)
    yield LegacyTokens(settings.verifying_keys, reader)
    if settings.bootstrap_tokens:
        yield BootstrapTokens(reader, clock)
    if providers is not None:
        yield providers
    if (hook := settings.token_webhook) is not None:
        audiences = settings.audiences or settings.issuers
        yield WebhookTokens(Webhook(hook.ask, clock, random), audiences, hook.version, hook.ttl, clock)


def _issuer(settings: SecuritySettings, clock: Clock, new_uuid: Callable[[], str]) -> TokenIssuer:
    audiences = settings.audiences or settings.issuers
    return TokenIssuer(settings.signing_key, settings.issuers[0], audiences, clock, new_uuid, settings.lifetimes)


def _outside(dynamic: Dynamic, authorizer: Authorizer, new_uuid: Callable[[], str]) -> Outside:
    return Outside(dynamic.served, dynamic.webhooks, Asking(authorizer), dynamic.metrics, new_uuid, dynamic.awake)


def _certificates(settings: SecuritySettings, clock: Clock) -> list[Authenticator]:
    """Return who believes certificates; a proxy's is no user's, and a user's is no proxy's."""
    if settings.request_headers is None:
        return [X509Authenticator(clock)]
    users = Roots(settings.client_ca, settings.client_ca_file)
    return [RequestHeaderAuthenticator(settings.request_headers, clock), X509Authenticator(clock, users)]


# What cannot say which rules a user has, in upstream's words.
_UNLISTED: Mapping[type, str] = {WebhookMode: "webhook authorizer does not support user rule resolution"}


def _anonymous(flag: bool, configuration: AuthenticationConfiguration | None) -> AnonymousPolicy:
    """Return where strangers are let in: as the file says, or if it says nothing as --anonymous-auth does."""
    configured = configuration.anonymous if configuration else None
    if configured is None:
        return AnonymousPolicy(flag)
    return AnonymousPolicy(configured.enabled, frozenset(condition.path for condition in configured.conditions))


def _followed_providers(
    settings: SecuritySettings, providers: IdentityProviders | None, authenticator: UnionAuthenticator
) -> Iterator[Followed]:
    chosen = settings.providers
    if chosen is None or providers is None or chosen.file is None or chosen.read is None:
        return
    read = chosen.read

    def use(text: bytes) -> None:
        configuration = read(text)
        providers.use(configuration)
        authenticator.anonymous = _anonymous(settings.anonymous, configuration)

    yield Followed(chosen.file, chosen.content_hash, "authentication_config", use)


def _followed_authorizers(
    file: AuthorizationFile | None, authorizer: Authorizer, maker: AuthorizerMaker
) -> Iterator[Followed]:
    if file is None or not isinstance(authorizer, CurrentAuthorizer):
        return

    def use(text: bytes) -> None:
        authorizer.current = maker.union(file.read(text))

    yield Followed(file.file, file.content_hash, "authorization_config", use)


class FirstToKnow:
    """Several kinds of token, as one authenticator."""

    def __init__(self, authenticators: Sequence[Authenticator]):
        self._authenticators = authenticators

    async def authenticate(self, credentials: Credentials) -> User | None:
        refusal: Unauthorized | None = None
        for authenticator in self._authenticators:
            try:
                if (user := await authenticator.authenticate(credentials)) is not None:
                    return user
            except Unauthorized as error:
                refusal = error  # another may know better: two providers can share an issuer's name
        if refusal is not None:
            raise refusal
        return None
