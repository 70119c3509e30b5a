"""--token-auth-file: tokens in a CSV file, read once.

token,user,uid,"group1,group2"
"""

from __future__ import annotations

import csv
from collections.abc import Mapping

from controlplane.auth.interface import Credentials, User


class StaticTokens:
    """Believes the tokens of a list."""

    def __init__(self, users: Mapping[str, User]):
        self._users = users

    async def authenticate(self, credentials: Credentials) -> User | None:
        return self._users.get(credentials.token) if credentials.token else None


def parse_token_file(text: str) -> dict[str, User]:
    """Return the users of a token file, by token. Raises ValueError, which names the line."""
    users: dict[str, User] = {}
    for number, row in enumerate(csv.reader(text.splitlines(), skipinitialspace=True), 1):
        if not row or row[0].startswith("#"):
            continue
        if len(row) < 3:
            raise ValueError(f"line {number}: a token needs three columns: token, user name, user uid")
        if not row[0]:
            raise ValueError(f"line {number}: the token is empty")
        groups = tuple(group.strip() for group in row[3].split(",")) if len(row) > 3 and row[3] else ()
        users[row[0]] = User(row[1], row[2], groups)
    return users
