"""Asking every authenticator in turn, and what it means when none knows the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.api.status import Unauthorized
from controlplane.auth.interface import (
    ALL_AUTHENTICATED,
    ALL_UNAUTHENTICATED,
    ANONYMOUS,
    Authenticator,
    Credentials,
    User,
)

NOBODY = User(ANONYMOUS, groups=(ALL_UNAUTHENTICATED,))


@dataclass(frozen=True, slots=True)
class AnonymousPolicy:
    """Where callers without credentials are let in, to be judged as system:anonymous."""

    enabled: bool
    paths: frozenset[str] = frozenset()  # none: everywhere

    def lets_in(self, path: str) -> bool:
        return self.enabled and (not self.paths or path in self.paths)


EVERYWHERE = AnonymousPolicy(True)


class UnionAuthenticator:
    """Tells who calls: the first authenticator that knows is believed.

    Without any credentials the caller is system:anonymous, where that is allowed. Credentials that nobody believes are
    a 401 instead: whoever shows them would rather hear it than be taken for a stranger.
    """

    def __init__(self, authenticators: Sequence[Authenticator], *, anonymous: AnonymousPolicy = EVERYWHERE):
        self._authenticators = tuple(authenticators)
        self.anonymous = anonymous  # may change while the server runs

    async def authenticate(self, credentials: Credentials) -> User:
        """Return the caller. Raises Unauthorized."""
        refused = False
        for authenticator in self._authenticators:
            try:
                user = await authenticator.authenticate(credentials)
            except Unauthorized:
                refused = True
                continue
            if user is not None:
                return _authenticated(user)
        if not refused and not credentials.token and self.anonymous.lets_in(credentials.path):
            return NOBODY
        raise Unauthorized("Unauthorized")


def _authenticated(user: User) -> User:
    if ALL_AUTHENTICATED in user.groups or user.name == ANONYMOUS:
        return user
    return User(user.name, user.uid, (*user.groups, ALL_AUTHENTICATED), user.extra)
