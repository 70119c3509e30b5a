"""Asking every authenticator in turn, and what it means when none knows the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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


class UnionAuthenticator:
    """Tells who calls: the first authenticator that knows is believed.

    Without any credentials the caller is system:anonymous, where that is allowed. Credentials that nobody believes are
    a 401 instead: whoever shows them would rather hear it than be taken for a stranger.
    """

    def __init__(self, authenticators: Sequence[Authenticator], *, anonymous: bool = True):
        self._authenticators, self._anonymous = tuple(authenticators), anonymous

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
        if self._anonymous and not refused and not credentials.token:
            return NOBODY
        raise Unauthorized("Unauthorized")


def _authenticated(user: User) -> User:
    if ALL_AUTHENTICATED in user.groups or user.name == ANONYMOUS:
        return user
    return replace(user, groups=(*user.groups, ALL_AUTHENTICATED))
