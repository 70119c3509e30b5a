"""The names under which callers ask for streams, and in what they differ: pure.

channel.k8s.io            the first byte of each message is a channel; channel 3 says in words what went wrong
v4.channel.k8s.io         channel 3 carries a Status, exit code included
v5.channel.k8s.io         and 255 with a channel's number ends that channel: the only way to end standard input
base64.channel.k8s.io     text messages: the channel as a digit, the rest in base64
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec

V5, V4, V1 = "v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"
BASE64, V4_BASE64 = "base64.channel.k8s.io", "v4.base64.channel.k8s.io"
SPDY = "SPDY/3.1"
SPDY_VERSIONS = (V4, "v3.channel.k8s.io", "v2.channel.k8s.io", V1)
PORT_FORWARD = "portforward.k8s.io"
TUNNELLED = f"{SPDY}+{PORT_FORWARD}"
STREAM_VERSION, ACCEPTED_VERSIONS = "X-Stream-Protocol-Version", "X-Accepted-Stream-Protocol-Versions"
END = 255  # the channel of v5 that ends another


class Channel(IntEnum):
    """The streams of exec and attach."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4


@dataclass(frozen=True, slots=True)
class Framing:
    """How a caller's WebSocket carries channels."""

    protocol: str  # as agreed on; "" if the caller named none
    text: bool = False
    status: bool = False  # the outcome is told as a Status rather than in words

    def encode(self, message: bytes) -> bytes:
        """Return a channel's message as the caller reads it."""
        return b"%d" % message[0] + base64.b64encode(message[1:]) if self.text else message

    def decode(self, message: bytes) -> bytes:
        """Return a caller's message as a channel's; b"" for one that is none."""
        if not self.text or not message:
            return message
        try:
            return bytes([message[0] - ord("0")]) + base64.b64decode(message[1:], validate=True)
        except (binascii.Error, ValueError):
            return b""


_FRAMINGS = {
    V5: Framing(V5, status=True),
    V4: Framing(V4, status=True),
    V1: Framing(V1),
    BASE64: Framing(BASE64, text=True),
    V4_BASE64: Framing(V4_BASE64, text=True, status=True),
}


def framing_of(offered: Sequence[str]) -> Framing | None:
    """Return the first framing offered that we know; None if there is none among several."""
    if not offered:
        return Framing("")
    return next((_FRAMINGS[one] for one in offered if one in _FRAMINGS), None)


def negotiated(headers: Mapping[str, str], served: Iterable[str]) -> tuple[str, list[str]]:
    """Return the SPDY stream protocol agreed on ("" if none), and all that the caller asked for."""
    wanted = STREAM_VERSION.lower()
    texts = [value for name, value in headers.items() if name.lower() == wanted]
    asked = [one.strip() for text in texts for one in text.split(",") if one.strip()]
    known = set(served)
    return next((one for one in asked if one in known), ""), asked


def outcome(status: bytes, *, as_status: bool) -> bytes:
    """Return what is told of how a command ended, of the Status the node sent: words, and none for a success."""
    if as_status:
        return status
    try:
        told = msgspec.json.decode(status, type=dict[str, Any])
    except msgspec.DecodeError:
        return status
    return b"" if told.get("status") == "Success" else str(told.get("message", "")).encode()
