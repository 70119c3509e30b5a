"""Acting as somebody else: `kubectl --as=jane --as-group=dev`.

Each thing taken on (user, group, uid, extra) is a resource of its own that the caller must be allowed to
`impersonate`; a service account is impersonated as the account it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from controlplane.api.status import BadRequest
from controlplane.auth import service_account
from controlplane.auth.authorizers import decide, refusal
from controlplane.auth.interface import (
    ALL_AUTHENTICATED,
    ALL_UNAUTHENTICATED,
    ANONYMOUS,
    AccessRequest,
    Authorizer,
    User,
)

_AUTHENTICATION = "authentication.k8s.io"
_EXTRA = "impersonate-extra-"


async def impersonate(user: User, headers: Iterable[tuple[str, str]], authorizer: Authorizer) -> User:
    """Return whom the request acts as. Raises Forbidden, or BadRequest for groups, uid or extra without a user."""
    wanted = _wanted(headers)
    if wanted is None:
        return user
    for request in _requests(user, wanted):
        decision = await decide(authorizer, request)
        if not decision.allowed:
            raise refusal(request, decision.reason)
    return _complete(wanted)


def _wanted(headers: Iterable[tuple[str, str]]) -> User | None:
    name, uid, groups = "", "", []
    extra: dict[str, list[str]] = defaultdict(list)
    for header, value in headers:
        lowered = header.lower()
        if not lowered.startswith("impersonate-"):
            continue
        if lowered == "impersonate-user":
            name = value
        elif lowered == "impersonate-uid":
            uid = value
        elif lowered == "impersonate-group":
            groups.append(value)
        elif lowered.startswith(_EXTRA):
            extra[unquote(lowered.removeprefix(_EXTRA))].append(value)
    if not name and (uid or groups or extra):
        raise BadRequest("groups, uid or extra to impersonate were requested without impersonating a user")
    return User(name, uid, tuple(groups), {key: tuple(values) for key, values in extra.items()}) if name else None


def _requests(user: User, wanted: User) -> Iterator[AccessRequest]:
    account = service_account.split_username(wanted.name)
    if account is not None:
        namespace, name = account
        yield AccessRequest(user, "impersonate", "", "v1", "serviceaccounts", namespace=namespace, name=name)
    else:
        yield AccessRequest(user, "impersonate", "", "v1", "users", name=wanted.name)
    for group in wanted.groups:
        yield AccessRequest(user, "impersonate", "", "v1", "groups", name=group)
    for key, values in wanted.extra.items():
        for value in values:
            yield AccessRequest(user, "impersonate", _AUTHENTICATION, "v1", "userextras", key, name=value)
    if wanted.uid:
        yield AccessRequest(user, "impersonate", _AUTHENTICATION, "v1", "uids", name=wanted.uid)


def _complete(wanted: User) -> User:
    """Return the user with the groups that everybody of their kind is in."""
    groups = wanted.groups
    account = service_account.split_username(wanted.name)
    if account is not None and not groups:
        groups = service_account.groups(account[0])
    if wanted.name == ANONYMOUS:
        kind = ALL_UNAUTHENTICATED
    elif ALL_UNAUTHENTICATED in groups:
        return User(wanted.name, wanted.uid, groups, wanted.extra)
    else:
        kind = ALL_AUTHENTICATED
    return User(wanted.name, wanted.uid, groups if kind in groups else (*groups, kind), wanted.extra)
