"""Service account tokens for pods: minted by the API server, bound to one pod, replaced well before they expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from controlplane.api.authentication_v1 import BoundObjectReference, TokenRequest, TokenRequestSpec
from controlplane.api.core_v1 import Pod, ServiceAccount
from controlplane.client.client import Client
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import parse_time

# Upstream replaces a token at 80 % of its life, and after a day however long it lives.
_SHARE_OF_LIFE = 0.8
_OLDEST = timedelta(hours=24)
DEFAULT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Token:
    """A token, the moment from which a newer one is wanted, and its end."""

    text: str
    refresh_at: datetime
    expires: datetime


def refresh_at(issued: datetime, expires: datetime) -> datetime:
    """Return when a token with this life is to be replaced."""
    return min(issued + (expires - issued) * _SHARE_OF_LIFE, issued + _OLDEST)


class Tokens:
    """Keeps each token that some pod needs until it is time for the next."""

    def __init__(self, client: Client, clock: Clock):
        self._client, self._clock = client, clock
        self._tokens: dict[tuple[str, str, int], Token] = {}

    async def get(self, pod: Pod, audience: str, seconds: int) -> Token:
        """Return a token of the pod's service account. Raises StatusError, Unreachable."""
        key = (pod.metadata.uid, audience, seconds)
        token = self._tokens.get(key)
        if token is None or self._clock.now() >= token.refresh_at:
            token = self._tokens[key] = await self._mint(pod, audience, seconds)
        return token

    def forget(self, pod_uid: str) -> None:
        for key in [key for key in self._tokens if key[0] == pod_uid]:
            del self._tokens[key]

    async def _mint(self, pod: Pod, audience: str, seconds: int) -> Token:
        issued = self._clock.now()
        bound = BoundObjectReference(api_version="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid)
        request = TokenRequest(
            api_version="authentication.k8s.io/v1",
            kind="TokenRequest",
            spec=TokenRequestSpec(
                audiences=[audience] if audience else [], bound_object_ref=bound, expiration_seconds=seconds
            ),
        )
        account = pod.spec.service_account_name or "default"
        answer = await self._client.create_subresource(
            ServiceAccount, account, "token", request, TokenRequest, pod.metadata.namespace
        )
        expires = answer.status.expiration_timestamp
        ends = parse_time(expires) if expires else issued + timedelta(seconds=seconds)
        return Token(answer.status.token, refresh_at(issued, ends), ends)
