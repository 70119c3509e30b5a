"""Where a page of a LIST ended: the opaque `continue` that the caller sends back."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from controlplane.api.status import BadRequest

_VERSION = "meta.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class ContinueToken:
    """Go on after `start` in the state of `revision`; -1 means whatever is there now."""

    revision: int
    start: str

    def encode(self) -> str:
        """Return the token as base64 of JSON, as upstream's is; callers must not look inside."""
        text = msgspec.json.encode({"v": _VERSION, "rv": self.revision, "start": self.start})
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def parse_continue(text: str) -> ContinueToken:
    """Return what a token says. Raises BadRequest."""
    try:
        held = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        revision, start = held["rv"], held["start"]
    except (ValueError, binascii.Error, msgspec.DecodeError, KeyError, TypeError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from error
    if held.get("v") != _VERSION or not isinstance(revision, int) or not isinstance(start, str) or ".." in start:
        raise BadRequest("continue key is not valid: server does not recognize this encoded version")
    return ContinueToken(revision, start)
