"""The OpenID Connect providers in force: made from the configuration, and made again when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from controlplane.apiserver.remotes import Fetcher
from controlplane.auth.expressions import NO_EXPRESSIONS, Expressions
from controlplane.auth.interface import Credentials, User
from controlplane.auth.oidc.authenticator import OidcTokens
from controlplane.auth.oidc.configuration import AuthenticationConfiguration, JWTAuthenticator
from controlplane.auth.oidc.keys import RemoteKeys
from controlplane.kit.clock import Clock
from controlplane.kit.tasks import running

Read: TypeAlias = Callable[[bytes], AuthenticationConfiguration]
"""Returns what a file says. Raises ConfigurationError."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What is in force at the start: of --oidc-* or, with `file`, of --authentication-config."""

    configuration: AuthenticationConfiguration
    algorithms: Sequence[str] = ("RS256",)  # --oidc-signing-algs
    file: Path | None = None
    content_hash: str = ""
    read: Read | None = None
    expressions: Expressions = NO_EXPRESSIONS  # with which the configuration was checked


class IdentityProviders:
    """Asks each provider in turn."""

    def __init__(self, settings: ProviderSettings, clock: Clock):
        self._algorithms, self._clock = tuple(settings.algorithms), clock
        self._expressions = settings.expressions
        self._providers: Sequence[OidcTokens] = ()
        self._changed = asyncio.Event()
        self.use(settings.configuration)

    def use(self, configuration: AuthenticationConfiguration) -> None:
        """Believe these providers from now on, as soon as their keys are found."""
        self._providers = [self._provider(one) for one in configuration.jwt]
        self._changed.set()

    def _provider(self, configuration: JWTAuthenticator) -> OidcTokens:
        issuer = configuration.issuer
        fetch = Fetcher(issuer.certificate_authority)
        keys = RemoteKeys(issuer.url, issuer.discovery_url, fetch, self._clock)
        return OidcTokens(configuration, self._algorithms, keys, self._clock, self._expressions)

    async def run(self) -> None:
        """Find the providers' keys, until cancelled."""
        while True:
            self._changed.clear()
            async with running(*(provider.keys.run() for provider in self._providers)):
                await self._changed.wait()

    async def authenticate(self, credentials: Credentials) -> User | None:
        for provider in self._providers:
            if (user := await provider.authenticate(credentials)) is not None:
                return user
        return None
