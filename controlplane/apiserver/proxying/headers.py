"""Which headers of a request go on, and what says on whose behalf it is made: pure.

Authorization, Connection, X-Remote-User: anybody  ──►  X-Remote-User: jane, X-Remote-Group: dev, X-Forwarded-For: …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from multidict import CIMultiDict

from controlplane.apiserver.messages import Request
from controlplane.auth.interface import User

# Headers that speak of one connection only, RFC 9110 section 7.6.1.
_ONE_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "expect",
})  # fmt: skip
# What proves who the caller is to us, and is none of anybody else's business.
_OURS = ("authorization", "impersonate-", "x-remote-")
BEARER_PROTOCOL = "base64url.bearer.authorization.k8s.io."
_PROTOCOLS = "Sec-WebSocket-Protocol"
# RFC 9110 section 5.6.2: what a header's name may be made of, but for the percent sign, which escapes the rest.
_NAME_CHARACTERS = "!#$&'*+-.^_`|~"


def is_upgrade(headers: Mapping[str, str]) -> bool:
    """Return whether a request asks for another protocol than HTTP."""
    return "upgrade" in {one.strip().lower() for one in headers.get("Connection", "").split(",")}


def passed_on(request: Request, *, upgrade: bool = False) -> CIMultiDict[str]:
    """Return the headers that a request is passed on with; the Host of the caller is among them."""
    dropped = _ONE_HOP | _named(request.headers.get("Connection", ""))
    kept: CIMultiDict[str] = CIMultiDict(
        (name, value)
        for name, value in request.headers.items()
        if (lowered := name.lower()) not in dropped and not lowered.startswith(_OURS)
    )
    if request.peer.address:
        kept["X-Forwarded-For"] = ", ".join([*kept.getall("X-Forwarded-For", ()), request.peer.address])
    if upgrade:
        kept["Connection"], kept["Upgrade"] = "Upgrade", request.headers.get("Upgrade", "")
    if protocols := offered_protocols(request.headers):
        kept[_PROTOCOLS] = ", ".join(protocols)
    else:
        kept.popall(_PROTOCOLS, None)
    return kept


def passed_back(headers: Iterable[tuple[str, str]], *, drop: Iterable[str] = ()) -> CIMultiDict[str]:
    """Return the headers of an answer that go to the caller; who may read it from another page is ours to say."""
    pairs = list(headers)
    listed = next((value for name, value in pairs if name.lower() == "connection"), "")
    dropped = _ONE_HOP | _named(listed) | {one.lower() for one in drop}
    return CIMultiDict(
        (name, value)
        for name, value in pairs
        if (lowered := name.lower()) not in dropped and not lowered.startswith("access-control-allow-")
    )


def offered_protocols(headers: Mapping[str, str]) -> list[str]:
    """Return the WebSocket protocols that a caller offers, but for the one that is a token in disguise."""
    wanted = _PROTOCOLS.lower()
    offered = (one.strip() for name, value in headers.items() if name.lower() == wanted for one in value.split(","))
    return [one for one in offered if one and not one.startswith(BEARER_PROTOCOL)]


def identity(user: User) -> Iterator[tuple[str, str]]:
    """Yield the headers by which an extension API server learns who calls; our certificate vouches for them."""
    yield "X-Remote-User", user.name
    if user.uid:
        yield "X-Remote-Uid", user.uid
    for group in user.groups:
        yield "X-Remote-Group", group
    for key, values in user.extra.items():
        for value in values:
            yield f"X-Remote-Extra-{quote(key, safe=_NAME_CHARACTERS)}", value


def _named(connection: str) -> frozenset[str]:
    return frozenset(one.strip().lower() for one in connection.split(",") if one.strip())
