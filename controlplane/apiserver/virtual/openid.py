"""The two documents by which others verify our service account tokens: OpenID Connect Discovery 1.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from controlplane.auth.jwt import PublicKey
from controlplane.auth.service_account import key_set, openid_configuration

CACHE_CONTROL = "public, max-age=3600"


@dataclass(frozen=True, slots=True)
class PublicDocument:
    """A body to GET, made once."""

    content_type: str
    body: bytes


def documents(issuer: str, jwks_uri: str, keys: Sequence[PublicKey]) -> Mapping[str, PublicDocument]:
    """Return the documents by path; `jwks_uri` may be empty, for issuers that serve their keys themselves."""
    configuration = openid_configuration(issuer, jwks_uri, keys)
    return {
        "/.well-known/openid-configuration": PublicDocument("application/json", msgspec.json.encode(configuration)),
        "/openid/v1/jwks": PublicDocument("application/jwk-set+json", msgspec.json.encode(key_set(keys))),
    }
