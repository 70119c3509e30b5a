"""The words the rest of the server uses to speak about callers and permissions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

ANONYMOUS = "system:anonymous"
ALL_AUTHENTICATED = "system:authenticated"
ALL_UNAUTHENTICATED = "system:unauthenticated"
SYSTEM_MASTERS = "system:masters"
NODES = "system:nodes"

_NOTHING: Mapping[str, tuple[str, ...]] = {}
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class User:
    """Who is calling, as far as some authenticator vouches for it."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    # What an authenticator adds, such as the pod a token is bound to; never part of equality or of a cache's key.
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING, compare=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries to prove who sends it."""

    certificate: bytes | None = None  # DER; the TLS layer has verified its chain against --client-ca-file
    token: str = ""  # of `Authorization: Bearer`
    path: str = ""  # what is asked for: strangers may be let in to some paths only
    root: bytes = b""  # DER: the CA in which the certificate's chain ends, where there is more than one it could be
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS, compare=False)


class Authenticator(Protocol):
    """Turns credentials into a caller."""

    async def authenticate(self, credentials: Credentials) -> User | None:
        """Return the caller, or None if these credentials are not of the kind this authenticator knows.

        Raises Unauthorized if they are, but are no good: a second opinion would be a way around the first.
        """


class AccessRequest(msgspec.Struct, frozen=True):
    """What a caller wants to do: to a resource, or (with `resource` empty) to a path such as /healthz."""

    user: User
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    # As in the query; the node authorizer lets a node list the pods of `spec.nodeName=<itself>` only.
    field_selector: str = ""
    label_selector: str = ""

    @property
    def is_resource(self) -> bool:
        return bool(self.resource)


class Decision(msgspec.Struct, frozen=True):
    """Whether the caller may; the reason is for people and audit logs, never for programs."""

    allowed: bool
    reason: str = ""
    denied: bool = False  # no authorizer after this one may allow it: only webhooks say so


class Unanswered(Exception):
    """Memory does not hold the answer: await `answer()`, which asks another server. `authorizers.decide` does."""

    def __init__(self, answer: Callable[[], Awaitable[Decision]]):
        super().__init__("the authorizer has to ask another server first")
        self.answer = answer


class Authorizer(Protocol):
    """Answers from memory: authorization is on the path of every request."""

    def authorize(self, request: AccessRequest) -> Decision:
        """Return whether `request.user` may; "not allowed" only means that no rule of this authorizer says so.

        Raises Unanswered when only another server can tell.
        """
