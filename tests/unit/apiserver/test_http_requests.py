"""From bytes to requests, without a socket: what is understood, what is refused, and how much is held."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.status import BadRequest
from controlplane.apiserver.http_answers import KEPT, LAST, OLD_KEPT, OLD_LAST, Manner
from controlplane.apiserver.http_requests import COUNT_LIMIT, Leaving, Refused, RequestParser
from controlplane.apiserver.messages import Peer
from tests.fakes.raw_http import chunked, get, post

BAD, TOO_LARGE = (400, "Bad Request"), (431, "Request Header Fields Too Large")


class Bodies:
    """What a parser needs of a connection."""

    def __init__(self) -> None:
        self.unread = 0

    def go_on(self) -> None:
        raise AssertionError("nobody waits")

    def balance(self) -> None:
        pass


def parsed(*pieces: bytes) -> RequestParser:
    parser = RequestParser(Peer(), Bodies())
    for piece in pieces:
        parser.feed(piece)
    return parser


async def everything(*pieces: bytes) -> list[Any]:
    """Return all that is heard, as soon as it is heard: what waits is taken, as a connection does."""
    parser, heard = parsed(), []
    for piece in pieces:
        parser.feed(piece)
        while parser.waiting:
            request, body, manner = parser.waiting.popleft()
            heard.append((request, body, manner))
            parser.go_on()
    told: list[Any] = []
    for request, body, manner in heard:
        said = [await request.read() if body is None or body.ended else b"unfinished"]
        told.append((request.method, request.target, sorted(request.headers.items()), *said, manner))
    if isinstance(parser.end, Leaving):
        told.append((parser.end.head, parser.kept))
    elif parser.end is not None:
        told.append((parser.end.status, parser.end.why))
    return told


def end_of(*pieces: bytes) -> tuple[int, str] | None:
    """Return how bytes are refused; None: they are not."""
    end = parsed(*pieces).end
    return (end.status, end.why) if isinstance(end, Refused) else None


# --- what is understood


async def test_requests_in_a_row() -> None:
    told = await everything(get("/a?b") + post(b"abc", target="/c") + chunked(b"de", b"f", target="/g") + get("/h"))
    assert [(method, target, body) for method, target, _, body, _ in told] == [
        ("GET", "/a?b", b""),
        ("POST", "/c", b"abc"),
        ("POST", "/g", b"def"),
        ("GET", "/h", b""),
    ]


@pytest.mark.parametrize(
    ("sent", "manner"),
    [
        pytest.param(get(), KEPT, id="HTTP/1.1"),
        pytest.param(get("/", "Connection: keep-alive"), KEPT, id="HTTP/1.1 that says so"),
        pytest.param(get("/", "Connection: close"), LAST, id="HTTP/1.1, close"),
        pytest.param(get("/", "Connection: x, Close"), LAST, id="among others"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", OLD_LAST, id="HTTP/1.0"),
        pytest.param(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", OLD_KEPT, id="HTTP/1.0, kept"),
        pytest.param(get("/", version="1.0"), OLD_LAST, id="HTTP/1.0 with a Host"),
    ],
)
def test_manners(sent: bytes, manner: Manner) -> None:
    assert parsed(sent).waiting[0][2] is manner


def headers_of(*headers: str) -> list[tuple[str, str]]:
    request = parsed(get("/", *headers)).waiting[0][0]
    return [(name, value) for name, value in request.headers.items() if name != "Host"]


def test_headers() -> None:
    assert headers_of("A:  b \t ", "B:", "C: \u20ac") == [("A", "b"), ("B", ""), ("C", "\u20ac")]
    assert headers_of("A: 1", "a: 2", "content-TYPE: x")[1:] == [("a", "2"), ("content-TYPE", "x")]
    request = parsed(b"GET / HTTP/1.1\r\nhost: x\r\nX: a\xffb\xe2\x82\r\n\r\n").waiting[0][0]
    assert (request.headers["x"], request.headers["Host"]) == ("a\ufffdb\ufffd", "x")


def test_the_next_request_has_its_own_headers() -> None:
    requests = [request for request, _, _ in parsed(get("/", "A: 1") + get("/", "A: 1") + get("/", "A: 2")).waiting]
    assert [request.headers["A"] for request in requests] == ["1", "1", "2"]


async def test_trailers_are_nobodys_headers() -> None:
    told = await everything(with_te("chunked", b"1\r\na\r\n0\r\nImpersonate-User: root\r\n\r\n") + get("/b"))
    assert ["Impersonate-User" in dict(headers) for _, _, headers, _, _ in told] == [False, False]


def test_what_follows_the_last_request_is_not_read() -> None:
    parser = parsed(get("/", "Connection: close") + b"\x00garbage", b"more")
    assert (len(parser.waiting), parser.end, parser.kept) == (1, None, b"")


@pytest.mark.parametrize("upgrade", ["websocket", "SPDY/3.1", "h2c"])
def test_another_protocol(upgrade: str) -> None:
    sent = get("/a?b", "Connection: x, Upgrade", f"Upgrade: {upgrade}", "X: \u20ac")
    parser = parsed(get("/before") + sent + b"new", b"words")
    assert isinstance(parser.end, Leaving)
    assert [request.path for request, _, _ in parser.waiting] == ["/before"]
    assert parser.end.head + parser.kept == sent + b"newwords"


def test_connect_is_not_ours() -> None:
    parser = parsed(b"CONNECT h:443 HTTP/1.1\r\nHost: x\r\n\r\nabc")
    assert isinstance(parser.end, Leaving)
    assert (parser.end.head, parser.kept) == (b"CONNECT h:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"abc")


@pytest.mark.parametrize("headers", [("Upgrade: websocket",), ("Connection: Upgrade",)])
def test_half_an_upgrade_is_none(headers: tuple[str, ...]) -> None:
    assert len(parsed(get("/", *headers)).waiting) == 1


# --- what is refused


def with_te(value: str, body: bytes = b"1\r\na\r\n0\r\n\r\n", *others: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: x", f"Transfer-Encoding: {value}", *others, "", ""]
    return "\r\n".join(lines).encode() + body


LENGTHS = ("3, 3", "+3", "-3", "0x3", "", "1 2", "x", "9" * 30)
CODINGS = (
    "gzip",
    "chunked, gzip",
    "a, chunked",
    "identity",
    "xchunked",
    "\x0bchunked",
    "chunked\0",
    "chunked, chunked",
)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        # two readers of these could see different requests: request smuggling
        pytest.param(with_te("chunked", b"0\r\n\r\n", "Content-Length: 5"), BAD, id="two lengths"),
        pytest.param(post(b"", "Transfer-Encoding: chunked") + b"0\r\n\r\n", BAD, id="two lengths, the other way"),
        pytest.param(post(b"abc", "Content-Length: 4"), BAD, id="different lengths"),
        pytest.param(post(b"abc", "Content-Length: 3"), BAD, id="a length twice"),
        *(pytest.param(get("/", f"Content-Length: {value}"), BAD, id=f"length {value!r}") for value in LENGTHS),
        *(pytest.param(with_te(value), BAD, id=f"coding {value!r}") for value in CODINGS),
        pytest.param(with_te("chunked", b"", "Transfer-Encoding: chunked"), BAD, id="chunked twice"),
        pytest.param(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD, id="chunks in HTTP/1.0"),
        pytest.param(b"GET / HTTP/1.1\nHost: x\n\n", BAD, id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", BAD, id="bare LF after a header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", BAD, id="bare CR"),
        pytest.param(get("/", "A: b\r\n c"), BAD, id="a folded header"),
        pytest.param(get("/", "A : b"), BAD, id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1\r\n A: b\r\nHost: x\r\n\r\n", BAD, id="space before the first header"),
        pytest.param(get("/", "A"), BAD, id="no colon"),
        pytest.param(get("/", ": b"), BAD, id="no name"),
        pytest.param(get("/", "A: a\x00b"), BAD, id="NUL"),
        pytest.param(get("/", "A: a\x01b"), BAD, id="a control character"),
        pytest.param(get("/", "Host: y"), BAD, id="two hosts"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", BAD, id="no host"),
        # no HTTP
        pytest.param(b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", BAD, id="HTTP/0.9"),
        pytest.param(b"GET /\r\n\r\n", BAD, id="no version"),
        pytest.param(b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", BAD, id="HTTP/1.2"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", BAD, id="HTTP/2.0"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD, id="HTTP/2"),
        pytest.param(b"\x16\x03\x01\x00\xa5\r\n\r\n", BAD, id="TLS"),
        pytest.param(b"\x00\x00\x00\x00", BAD, id="zeroes"),
        pytest.param(get("nothing"), BAD, id="no target"),
        pytest.param(get("/\u20ac"), BAD, id="a target that is not escaped"),
        pytest.param(b"get / HTTP/1.1\r\nHost: x\r\n\r\n", BAD, id="a method in lower case"),
        pytest.param(b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", (405, "Method Not Allowed"), id="an unknown method"),
        pytest.param(b"BREW\r\n\r\n", BAD, id="a method alone"),
        # too large
        pytest.param(get("/", "A: " + "a" * 70_000), TOO_LARGE, id="a value"),
        pytest.param(get("/", "a" * 70_000 + ": a"), TOO_LARGE, id="a name"),
        pytest.param(get("/" + "a" * 70_000), TOO_LARGE, id="a path"),
        pytest.param(get("/", *(f"A{n}: {'a' * 60_000}" for n in range(18))), TOO_LARGE, id="all headers"),
        pytest.param(get("/", *(f"A{n}: a" for n in range(COUNT_LIMIT))), TOO_LARGE, id="too many"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1 << 20, 1000], ids=["at once", "in pieces"])
def test_refused(sent: bytes, expected: tuple[int, str], size: int) -> None:
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    assert end_of(*pieces) == expected
    assert not parsed(*pieces).waiting


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(get("/", "A: " + "a" * 60_000), id="a value"),
        pytest.param(get("/" + "a" * 60_000), id="a path"),
        pytest.param(get("/", *(f"A{n}: {'a' * 60_000}" for n in range(16))), id="all headers"),
        pytest.param(get("/", *(f"A{n}: a" for n in range(COUNT_LIMIT - 1))), id="many"),
    ],
)
@pytest.mark.parametrize("size", [1 << 20, 1000, 100], ids=["at once", "in pieces", "in small pieces"])
def test_what_is_not_too_large(sent: bytes, size: int) -> None:
    parser = parsed(*(sent[start : start + size] for start in range(0, len(sent), size)))
    assert (parser.end, len(parser.waiting)) == (None, 1)


@pytest.mark.parametrize(
    ("begins", "endless", "most"),
    [
        pytest.param(b"GET /", b"a" * 1000, 70_000, id="a path"),
        pytest.param(get()[:-2], b"a" * 1000, 90_000, id="a name"),
        pytest.param(get()[:-2] + b"A: ", b"a" * 1000, 90_000, id="a value"),
        pytest.param(get()[:-2], b"A: b\r\n" * 10, 7_000, id="many headers"),
        pytest.param(get()[:-2], b"A: " + b"a" * 2000 + b"\r\n", 1_200_000, id="all headers"),
    ],
)
def test_a_head_without_end_is_refused_before_it_fills_the_memory(begins: bytes, endless: bytes, most: int) -> None:
    parser, sent = parsed(begins), 0
    while parser.end is None:
        parser.feed(endless)
        sent += len(endless)
        assert sent < most
    assert isinstance(parser.end, Refused)
    assert parser.end.status == 431


@pytest.mark.parametrize(
    "body", [b"zz\r\n", b"-1\r\n", b"f" * 20 + b"\r\n", b"1\na\n", b"1 \r\na\r\n", b"1\r\nab\r\n", b"1\r\na\n0\r\n"]
)
async def test_a_broken_body(body: bytes) -> None:
    parser = parsed(with_te("chunked", body + get("/smuggled")))
    ((request, _, _),) = parser.waiting
    with pytest.raises(BadRequest, match="the body of the request cannot be read"):
        await request.read()
    parser.feed(get("/smuggled"))
    assert len(parser.waiting) == 1


async def test_trailers_without_end() -> None:
    parser = parsed(with_te("chunked", b"0\r\n"))
    for _ in range(2000):
        parser.feed(b"A: " + b"a" * 1000 + b"\r\n")
    with pytest.raises(BadRequest, match="trailers are too large"):
        await parser.waiting[0][0].read()
    assert not parser.begun  # nothing of them is held


# --- how much is held, and how it comes


def test_requests_that_wait_are_bounded() -> None:
    parser = parsed(*[get() for _ in range(1000)])
    assert len(parser.waiting) == 8
    at_once = parsed(get() * 10_000)
    assert len(at_once.waiting) < 1000
    assert len(at_once.kept) > 100_000


async def test_what_is_kept_is_parsed_when_there_is_room() -> None:
    told = await everything(get() * 10_000)
    assert len(told) == 10_000


STREAM = (
    get("/a?b=c%20d", "A: b ", "C: \u20ac")
    + post(b"abc" * 10, target="/p")
    + chunked(b"x" * 17, b"y", target="/ch")
    + b"\r\n"
    + get("/a%2Fb")
    + get("/a%2Fb")
    + post(b"", target="/empty")
)
ENDS = [
    b"",
    get("/last", "Connection: close") + b"rubbish",
    get("/ws", "Connection: Upgrade", "Upgrade: websocket") + b"frames",
    get("/", "A : b"),
    get("/", "Host: y"),
]


@given(cuts=st.lists(st.integers(0, len(STREAM) + 100), max_size=30), end=st.sampled_from(ENDS))
async def test_it_does_not_matter_how_bytes_are_split(cuts: list[int], end: bytes) -> None:
    whole = STREAM + end
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    assert await everything(*(whole[one:other] for one, other in pairwise(places))) == await everything(whole)


async def test_byte_by_byte() -> None:
    for end in ENDS:
        whole = STREAM + end
        assert await everything(*(whole[n : n + 1] for n in range(len(whole)))) == await everything(whole)
