"""From an answer that says no to the exception that says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from controlplane.api.codec import decode
from controlplane.api.meta_v1 import Status, StatusDetails
from controlplane.api.status import StatusError, from_status


class _Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


def failure_of(answer: _Answer) -> StatusError:
    """Return the error that a failed answer stands for; something other than an API server may have written it."""
    try:
        status = decode(answer.body, Status)
    except (msgspec.DecodeError, msgspec.ValidationError):
        status = Status()
    if status.kind != "Status":
        status = _made_up(answer)
    return from_status(status)


def _made_up(answer: _Answer) -> Status:
    text = answer.body[:1024].decode(errors="replace").strip()
    seconds = answer.headers.get("Retry-After", "")
    return Status(
        kind="Status",
        api_version="v1",
        status="Failure",
        code=answer.status,
        message=text or f"the server answered with status {answer.status}",
        details=StatusDetails(retry_after_seconds=int(seconds)) if seconds.isdigit() else None,
    )
