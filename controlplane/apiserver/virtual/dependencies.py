"""What the virtual resources need of the rest of the server, and what they share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import msgspec

from controlplane.api.authentication_v1 import UserInfo
from controlplane.api.base import KubeStruct
from controlplane.api.codec import Document, from_document, without_nulls
from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.reader import ObjectReader
from controlplane.api.status import BadRequest, FieldError, Invalid
from controlplane.auth.interface import Authenticator, Authorizer, User
from controlplane.auth.rbac import RbacAuthorizer
from controlplane.auth.service_account import ServiceAccountTokens, TokenIssuer
from controlplane.kit.clock import Clock

T = TypeVar("T", bound=KubeStruct)

Handler: TypeAlias = Callable[[Document, User, str, str], Awaitable[Document]]
"""(document, user, namespace, name) to the document that answers; raises StatusError."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Who answers the questions."""

    reader: ObjectReader
    authorizer: Authorizer
    rbac: RbacAuthorizer
    tokens: Authenticator  # of bearer tokens other than service accounts'
    service_accounts: ServiceAccountTokens
    issuer: TokenIssuer
    clock: Clock
    unlisted: Sequence[str] = ()  # why a user's rules are not all there is, if some authorizer knows no rules


def typed(document: Document, type_: type[T]) -> T:
    """Return the object that a document holds. Raises BadRequest."""
    try:
        return from_document(without_nulls(document), type_)
    except msgspec.ValidationError as error:
        kind = type_.__name__
        message = f"{kind} in version v1 cannot be handled as a {kind}: json: cannot unmarshal: {error}"
        raise BadRequest(message) from error


def answered(document: Document, status: Mapping[str, Any]) -> Document:
    """Return the question with its answer in it."""
    return {**document, "metadata": document.get("metadata") or {}, "status": dict(status)}


def user_info(user: User) -> UserInfo:
    return UserInfo(
        username=user.name,
        uid=user.uid,
        groups=list(user.groups),
        extra={key: list(values) for key, values in user.extra.items()},
    )


def invalid(kind: str, group: str, errors: list[FieldError]) -> Invalid:
    """Return the 422 for a question that is none; it has no name to speak of."""
    texts = [error.text for error in errors]
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    causes = [StatusCause(reason=error.reason, field=error.path, message=error.message) for error in errors]
    details = StatusDetails(group=group, kind=kind, causes=causes)
    return Invalid(f'{kind}.{group} "" is invalid: {listed}', details=details)
