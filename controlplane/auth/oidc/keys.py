"""A provider's keys: where they are (discovery), and what they are now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from controlplane.auth.oidc.signatures import PublicKey, key_of
from controlplane.auth.remote import Unanswering
from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

_WELL_KNOWN = "/.well-known/openid-configuration"
_RETRY = 10.0  # seconds between attempts to discover, as upstream's
_PAUSE = 1.0  # seconds between two looks at the keys: a caller who makes up key ids must not make us ask each time

Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Reads the document at a URL. Raises Unanswering."""


class NotReady(Exception):
    """The provider has not been reached yet; the text says why."""


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """One key, and the id by which tokens name it."""

    id: str
    key: PublicKey


class RemoteKeys:
    """The keys of one provider; found out in the background, asked for again when a token names an unknown one."""

    def __init__(self, issuer: str, discovery_url: str, fetch: Fetch, clock: Clock):
        self._issuer, self._fetch, self._clock = issuer, fetch, clock
        self._discovery_url = discovery_url or issuer.rstrip("/") + _WELL_KNOWN
        self._jwks_uri = ""
        self._keys: Sequence[ProviderKey] = ()
        self._looked = float("-inf")
        self._looking = asyncio.Lock()
        self.problem = f"oidc: authenticator for issuer {_quoted(issuer)} is not initialized"

    async def run(self) -> None:
        """Discover the provider, as often as it takes."""
        while not self._jwks_uri:
            try:
                self._jwks_uri = jwks_uri(await self._fetch(self._discovery_url), self._issuer)
                self.problem = ""
            except (Unanswering, ValueError) as error:
                self.problem = str(error)
                _log.error("oidc authenticator: initializing plugin: %s", error)
                await self._clock.sleep(_RETRY)

    async def candidates(self, key_id: str) -> Sequence[ProviderKey]:
        """Return the keys that may have signed a token which names `key_id` (empty: none). Raises NotReady."""
        if not self._jwks_uri:
            raise NotReady("oidc: authenticator not initialized")
        found = named(self._keys, key_id)
        return found or named(await self._look(), key_id)

    async def refreshed(self, key_id: str) -> Sequence[ProviderKey]:
        """Return the same after another look: a provider may give a new key an old name."""
        return named(await self._look(), key_id)

    async def _look(self) -> Sequence[ProviderKey]:
        async with self._looking:  # of many tokens at once, one asks
            if self._clock.monotonic() - self._looked >= _PAUSE:
                self._looked = self._clock.monotonic()
                try:
                    self._keys = keys_of(await self._fetch(self._jwks_uri))
                except (Unanswering, ValueError) as error:
                    _log.error("oidc: fetching keys of %s: %s", self._issuer, error)
        return self._keys


def named(keys: Sequence[ProviderKey], key_id: str) -> Sequence[ProviderKey]:
    return [key for key in keys if not key_id or key.id == key_id]


def jwks_uri(document: bytes, issuer: str) -> str:
    """Return where a discovery document says the keys are. Raises ValueError: it is another provider's, or unusable."""
    found = _decoded(document)
    if found.get("issuer") != issuer:
        raise ValueError(
            f"oidc: issuer did not match the issuer returned by provider, expected {_quoted(issuer)} got "
            f"{_quoted(str(found.get('issuer', '')))}"
        )
    uri = found.get("jwks_uri")
    if not isinstance(uri, str) or not uri:
        raise ValueError("provider did not return JWKS URL")
    return uri


def keys_of(document: bytes) -> Sequence[ProviderKey]:
    """Return the keys of a JSON Web Key Set that can sign; one that cannot be read is left out. Raises ValueError."""
    listed = _decoded(document).get("keys")
    if not isinstance(listed, list):
        raise ValueError("oidc: failed to decode keys: there is no list of keys")
    found = []
    for jwk in listed:
        try:
            key = key_of(jwk) if isinstance(jwk, dict) and jwk.get("use", "sig") == "sig" else None
        except ValueError as error:
            _log.warning("oidc: a key is left out: %s", error)
            continue
        if key is not None:
            found.append(ProviderKey(str(jwk.get("kid", "")), key))
    return found


def _decoded(document: bytes) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(document, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"oidc: failed to decode provider's document: {error}") from error


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
