"""Failures as the API says them: what the server encodes is what the client raises.

Upstream's vocabulary: the reasons of metav1.StatusReason, the causes of field validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from controlplane.api.meta_v1 import Status, StatusCause, StatusDetails
from controlplane.api.resources import Resource


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: `spec.replicas: Invalid value: -1: must be ...`."""

    reason: str  # FieldValueInvalid, FieldValueRequired, ...
    path: str
    message: str

    @property
    def text(self) -> str:
        return f"{self.path}: {self.message}"


class StatusError(Exception):
    """A request that failed, as the Status object that says so."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        details: StatusDetails | None = None,
        retry_after: int = 0,
        status: Status | None = None,
    ):
        super().__init__(message)
        self.message, self.details = message, details
        self.retry_after = retry_after  # seconds; 0: not said
        self._status = status

    def to_status(self) -> Status:
        if self._status is not None:
            return self._status
        return Status(
            api_version="v1",
            kind="Status",
            status="Failure",
            message=self.message,
            reason=self.reason,
            details=self.details,
            code=self.code,
        )


class BadRequest(StatusError):
    """The request cannot be understood as it is."""

    code, reason = 400, "BadRequest"


class Unauthorized(StatusError):
    """Nobody vouches for the caller."""

    code, reason = 401, "Unauthorized"


class Forbidden(StatusError):
    """The caller is known and may not."""

    code, reason = 403, "Forbidden"


class NotFound(StatusError):
    """There is no such object, resource or path."""

    code, reason = 404, "NotFound"


class MethodNotAllowed(StatusError):
    """The resource does not know this verb."""

    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(StatusError):
    """None of the accepted media types can be produced."""

    code, reason = 406, "NotAcceptable"


class Conflict(StatusError):
    """The object changed since it was read: read it again, decide again."""

    code, reason = 409, "Conflict"


class AlreadyExists(StatusError):
    """An object of this name is there already."""

    code, reason = 409, "AlreadyExists"


class Expired(StatusError):
    """The history asked for is compacted: list again."""

    code, reason = 410, "Expired"


class TooLarge(StatusError):
    """The body exceeds the limit."""

    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(StatusError):
    """The body's media type is not one of those understood here."""

    code, reason = 415, "UnsupportedMediaType"


class Invalid(StatusError):
    """The object breaks a rule; every broken rule is a cause."""

    code, reason = 422, "Invalid"


class TooManyRequests(StatusError):
    """Not now: wait `retry_after` seconds."""

    code, reason = 429, "TooManyRequests"


class InternalError(StatusError):
    """The server's own failure."""


class StoreReadError(StatusError):
    """Some of what is stored cannot be decrypted or decoded; each such key is a cause."""

    reason = "StoreReadError"


class ServiceUnavailable(StatusError):
    """The server cannot serve this yet or any more."""

    code, reason = 503, "ServiceUnavailable"


class Timeout(StatusError):
    """The server gave up waiting."""

    code, reason = 504, "Timeout"


_BY_REASON = {
    error.reason: error
    for error in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, Conflict, AlreadyExists,
        Expired, TooLarge, UnsupportedMediaType, Invalid, TooManyRequests, InternalError, ServiceUnavailable, Timeout,
    )
}  # fmt: skip
_BY_CODE = {error.code: error for error in _BY_REASON.values() if error not in (AlreadyExists,)}


def from_status(status: Status) -> StatusError:
    """Return the error a Status object from a server stands for."""
    error = _BY_REASON.get(status.reason) or _BY_CODE.get(status.code or 0) or InternalError
    retry_after = (status.details.retry_after_seconds or 0) if status.details else 0
    return error(status.message, details=status.details, retry_after=retry_after, status=status)


def _details(resource: Resource, name: str, causes: list[StatusCause] | None = None, **more: Any) -> StatusDetails:
    return StatusDetails(name=name, group=resource.group, kind=resource.plural, causes=causes or [], **more)


def not_found(resource: Resource, name: str) -> NotFound:
    return NotFound(f'{resource.group_resource} "{name}" not found', details=_details(resource, name))


def already_exists(resource: Resource, name: str) -> AlreadyExists:
    return AlreadyExists(f'{resource.group_resource} "{name}" already exists', details=_details(resource, name))


def conflict(resource: Resource, name: str, why: str = "") -> Conflict:
    why = why or ("the object has been modified; please apply your changes to the latest version and try again")
    return Conflict(
        f'Operation cannot be fulfilled on {resource.group_resource} "{name}": {why}',
        details=_details(resource, name),
    )


def forbidden(resource: Resource, name: str, why: str) -> Forbidden:
    return Forbidden(f'{resource.group_resource} "{name}" is forbidden: {why}', details=_details(resource, name))


def invalid(resource: Resource, name: str, errors: Sequence[FieldError]) -> Invalid:
    """Return the 422 that names every broken rule, in kubectl users' words."""
    texts = list(dict.fromkeys(error.text for error in errors))
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    causes = [StatusCause(reason=error.reason, field=error.path, message=error.message) for error in errors]
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    return Invalid(
        f'{kind} "{name}" is invalid: {listed}',
        details=StatusDetails(name=name, group=resource.group, kind=resource.kind, causes=causes),
    )
