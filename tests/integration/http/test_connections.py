"""Connections to the API server's HTTP layer over real sockets, with and without TLS, on either event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from controlplane.apiserver import http_body, http_connection
from controlplane.apiserver.messages import Answer, Request, Response, Stream
from tests.fakes.raw_http import RawCaller, chunked, echo, get, post, serving
from tests.integration.http.conftest import Calling, Tls
from tests.waiting import until


class Waiting:
    """A handler that answers when it is told to, and notes what became of it."""

    def __init__(self) -> None:
        self.begun, self.cancelled, self.ended = 0, 0, 0
        self.go = asyncio.Event()

    async def __call__(self, request: Request) -> Answer:
        self.begun += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Response(200, request.path.encode())

    async def stream(self, request: Request) -> Answer:
        self.begun += 1
        return Stream(200, self._chunks(), on_end=self._on_end)

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await self.go.wait()
            yield b"last"
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def _on_end(self) -> None:
        self.ended += 1


async def at_rest(number: Callable[[], int]) -> int:
    """Return a number when it does not change any more."""
    last = -1
    while last != number():
        last = number()
        await asyncio.sleep(0.2)
    return last


# --- one request after the other


async def test_pipelined_requests_are_answered_in_turn(calling: Calling) -> None:
    async def slow_first(request: Request) -> Answer:
        await asyncio.sleep(0.05 if request.path == "/0" else 0)
        return await echo(request)

    async with calling(slow_first) as caller:
        sent = b"".join(get(f"/{n}") + post(b"abc", target=f"/{n}") + chunked(b"de", target=f"/{n}") for n in range(50))
        await caller.send(sent)
        told = [(await caller.answer()).heard for _ in range(150)]
    assert [(one["path"], one["body"]) for one in told] == [
        (f"/{n}", body) for n in range(50) for body in ("", "abc", "de")
    ]


async def test_who_pipelines_much_is_not_read_from(calling: Calling) -> None:
    waiting, sent = Waiting(), 0
    piece = get("/" + "a" * 1000) * 100  # 100 kB

    async def send() -> None:
        nonlocal sent
        for _ in range(1000):
            await caller.send(piece)
            sent += len(piece)

    async with calling(waiting) as caller:
        sending = asyncio.create_task(send())
        await until(lambda: waiting.begun == 1)
        assert await at_rest(lambda: sent) < 20_000_000  # what the kernel's buffers hold
        waiting.go.set()
        assert [(await caller.answer()).status for _ in range(3)] == [200, 200, 200]
        sending.cancel()


async def test_head(calling: Calling) -> None:
    async with calling() as caller:
        await caller.send(get().replace(b"GET", b"HEAD") + get())
        told = await caller.answer(method="HEAD")
        assert int(told.headers["content-length"]) > 50
        assert (await caller.answer()).heard["method"] == "GET"


@pytest.mark.parametrize(
    ("sent", "connection"),
    [
        pytest.param(get(version="1.0"), "close", id="HTTP/1.0"),
        pytest.param(get("/", "Connection: close"), "close", id="close"),
        pytest.param(get("/", "Connection: keep-alive", version="1.0"), "keep-alive", id="HTTP/1.0, kept"),
        pytest.param(get(), None, id="HTTP/1.1"),
    ],
)
async def test_how_long_a_connection_lasts(calling: Calling, sent: bytes, connection: str | None) -> None:
    async with calling() as caller:
        await caller.send(sent)
        assert (await caller.answer()).headers.get("connection") == connection
        if connection == "close":
            assert await caller.rest() == b""
        else:
            await caller.send(sent)
            assert (await caller.answer()).status == 200


async def test_who_is_refused_reads_why(calling: Calling) -> None:
    async with calling() as caller:
        await caller.send(get("/first") + get("/", "A : b") + b"x" * 500_000)
        assert (await caller.answer()).heard["path"] == "/first"
        told = await caller.answer()
        assert (told.status, told.body, told.headers["connection"]) == (400, b"400 Bad Request", "close")
        assert await caller.rest() == b""


async def test_the_caller_is_known(calling: Calling, tls: Tls | None) -> None:
    seen = []

    async def note(request: Request) -> Answer:
        seen.append(request.peer)
        return Response(200)

    async with calling(note) as caller:
        await caller.send(get() + get())
        await caller.answer()
        await caller.answer()
    assert seen[0] is seen[1]
    assert seen[0].address == "127.0.0.1"
    assert bool(seen[0].certificate) is (tls is not None)
    assert bool(seen[0].root) is (tls is not None)


async def test_a_handler_that_fails(calling: Calling, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: Request) -> Answer:
        raise RuntimeError("a mistake")

    async with calling(fail) as caller:
        await caller.send(get())
        told = await caller.answer()
        assert (told.status, told.body) == (500, b"500 Internal Server Error")
        assert await caller.rest() == b""
    assert "GET /a failed" in caplog.text


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_header_that_would_write_another(
    calling: Calling, caplog: pytest.LogCaptureFixture, streamed: bool
) -> None:
    ended = []

    async def nothing() -> AsyncIterator[bytes]:
        yield b"x"

    async def inject(request: Request) -> Answer:
        headers = {"A": "b\r\nSet-Cookie: c"}
        if streamed:
            return Stream(200, nothing(), headers=headers, on_end=lambda: ended.append(1))
        return Response(200, b"x", headers=headers)

    async with calling(inject) as caller:
        await caller.send(get())
        told = await caller.answer()
        assert (told.status, "set-cookie" in told.headers) == (500, False)
        assert await caller.rest() == b""
    assert "the answer cannot be sent" in caplog.text
    assert len(ended) == streamed


# --- bodies


async def test_a_body_that_is_too_large_is_refused_and_the_connection_goes_on(calling: Calling) -> None:
    limit = http_body.BODY_LIMIT
    async with calling() as caller:
        for sent in (post(b"a" * (limit + 1)), chunked(*[b"a" * 65536] * 48, b"a")):
            await caller.send(sent + post(b"a" * 10))
            told = await caller.answer()
            assert (told.status, told.body) == (413, b"Request entity too large: limit is 3145728")
            assert (await caller.answer()).heard["body"] == "a" * 10
        await caller.send(post(b"a" * limit))
        assert len((await caller.answer()).heard["body"]) == limit


async def test_a_body_that_will_be_too_large_is_refused_before_it_comes(calling: Calling) -> None:
    async with calling() as caller:
        await caller.send(b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3145729\r\n\r\n")
        assert (await caller.answer()).status == 413
        assert await caller.rest() == b""


async def test_a_body_that_nobody_reads_is_swallowed(calling: Calling) -> None:
    async def ignore(request: Request) -> Answer:
        return Response(200, request.path.encode())

    async with calling(ignore) as caller:
        await caller.send(post(b"a" * 2_000_000) + chunked(b"b" * 70_000) + get("/b"))
        assert [(await caller.answer()).body for _ in range(3)] == [b"/a", b"/a", b"/b"]


async def test_a_body_that_never_ends_costs_the_connection(calling: Calling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_body, "_LINGERING", 0.1)

    async def ignore(request: Request) -> Answer:
        return Response(200)

    async with calling(ignore) as caller:
        await caller.send(post(b"")[: -len("0\r\n\r\n")] + b"1000\r\n\r\nabc")
        assert (await caller.answer()).status == 200
        assert await caller.rest() == b""


async def test_a_body_is_read_as_fast_as_it_is_wanted(calling: Calling) -> None:
    wanted, seen = asyncio.Event(), []

    async def slowly(request: Request) -> Answer:
        assert request.chunks is not None
        await wanted.wait()
        seen.extend([len(chunk) async for chunk in request.chunks()])
        return Response(200)

    async with calling(slowly) as caller:
        size = 50_000_000
        sending = asyncio.create_task(
            caller.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size, *[b"a" * 50_000] * 1000)
        )
        await asyncio.sleep(0.3)
        assert not sending.done()
        wanted.set()
        assert (await caller.answer()).status == 200
        await sending
    assert sum(seen) == size
    assert max(seen) < 2_000_000


async def test_both_ways_at_once(calling: Calling) -> None:
    async def back(request: Request) -> Answer:
        assert request.chunks is not None
        return Stream(200, request.chunks())

    async with calling(back) as caller:
        await caller.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await caller.reader.readuntil(b"\r\n\r\n")
        for _ in range(3):
            await caller.send(b"3\r\nabc\r\n")
            assert await caller.reader.readexactly(8) == b"3\r\nabc\r\n"
        await caller.send(b"0\r\n\r\n")
        assert await caller.reader.readexactly(5) == b"0\r\n\r\n"


async def test_who_waits_to_be_asked_for_the_body_is_asked(calling: Calling) -> None:
    async with calling() as caller:
        head = post(b"abc", "Expect: 100-continue")[:-3]
        for _ in range(2):
            await caller.send(head)
            assert (await caller.answer()).status == 100
            await caller.send(b"abc")
            assert (await caller.answer()).heard["body"] == "abc"
        for _ in range(2):
            await caller.send(head + b"abc")  # who does not wait need not be asked
            assert (await caller.answer()).heard["body"] == "abc"


async def test_who_is_not_asked_for_the_body_has_to_call_again(calling: Calling) -> None:
    async def ignore(request: Request) -> Answer:
        return Response(403)

    async with calling(ignore) as caller:
        await caller.send(post(b"abc", "Expect: 100-continue")[:-3])
        told = await caller.answer()
        assert (told.status, told.headers["connection"]) == (403, "close")
        assert await caller.rest() == b""


async def test_the_end_of_the_connection_is_not_the_end_of_a_body(calling: Calling) -> None:
    failed: list[BaseException] = []

    async def read(request: Request) -> Answer:
        try:
            return Response(200, await request.read())
        except BaseException as error:
            failed.append(error)
            raise

    async with calling(read) as caller:
        await caller.send(post(b"abcdef")[:-3])
        await asyncio.sleep(0.05)
        caller.writer.close()
        await until(lambda: bool(failed))
    assert isinstance(failed[0], asyncio.CancelledError)


# --- answers that take their time


@pytest.mark.parametrize(
    ("sent", "framing", "body"),
    [
        pytest.param(get(), b"Transfer-Encoding: chunked", b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", id="in chunks"),
        pytest.param(get("/6"), b"Content-Length: 6", b"onetwo", id="with a length"),
        pytest.param(get(version="1.0"), b"Connection: close", b"onetwo", id="until the end"),
        pytest.param(get("/6", version="1.0"), b"Content-Length: 6", b"onetwo", id="with a length, HTTP/1.0"),
        pytest.param(get("/6").replace(b"GET", b"HEAD"), b"Content-Length: 6", b"", id="only the head"),
    ],
)
async def test_streams(calling: Calling, sent: bytes, framing: bytes, body: bytes) -> None:
    ended = []

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"one", b"", b"two"):
            yield chunk

    async def stream(request: Request) -> Answer:
        length = 6 if request.path == "/6" else None
        return Stream(200, chunks(), "text/plain", length=length, on_end=lambda: ended.append(1))

    async with calling(stream) as caller:
        await caller.send(sent.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        head, _, rest = (await caller.rest()).partition(b"\r\n\r\n")
    assert (framing in head, b"chunked" in head) == (True, b"chunked" in framing)
    assert rest == body
    assert ended == [1]


@pytest.mark.parametrize(
    ("chunks", "length", "why"),
    [
        pytest.param([b"one", RuntimeError("a mistake")], None, "a mistake", id="a failure"),
        pytest.param([b"one"], 6, "3 bytes shorter", id="less than was announced"),
        pytest.param([b"one", b"two"], 4, "longer than the 4 bytes", id="more than was announced"),
    ],
)
async def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(
    calling: Calling, caplog: pytest.LogCaptureFixture, chunks: list[Any], length: int | None, why: str
) -> None:
    ended = []

    async def failing() -> AsyncIterator[bytes]:
        for chunk in chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def stream(request: Request) -> Answer:
        return Stream(200, failing(), length=length, on_end=lambda: ended.append(1))

    async with calling(stream) as caller:
        await caller.send(get())
        with contextlib.suppress(ConnectionError):
            assert not (await caller.rest()).endswith(b"0\r\n\r\n")
    assert "GET /a: the answer broke off" in caplog.text
    assert why in caplog.text
    assert ended == [1]


@pytest.mark.parametrize("streamed", [False, True])
async def test_who_reads_slowly_holds_the_answers_back(calling: Calling, streamed: bool) -> None:
    made = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(300):
            made += 1
            yield b"a" * 100_000

    async def much(request: Request) -> Answer:
        nonlocal made
        if streamed:
            return Stream(200, chunks())
        made += 1
        return Response(200, b"a" * 100_000)

    async with calling(much) as caller:
        caller.writer.transport.pause_reading()
        await caller.send(get() * (1 if streamed else 300))
        await until(lambda: made > 0)
        assert await at_rest(lambda: made) < 200  # what the kernel's buffers hold
        caller.writer.transport.resume_reading()
        for _ in range(1 if streamed else 300):
            assert len((await caller.answer()).body) == (30_000_000 if streamed else 100_000)


# --- callers who go


@pytest.mark.parametrize("half", [False, True], ids=["all of it", "their half"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_the_caller_ends_the_connection(calling: Calling, tls: Tls | None, streamed: bool, half: bool) -> None:
    waiting = Waiting()
    async with calling(waiting.stream if streamed else waiting) as caller:
        await caller.send(get())
        await until(lambda: waiting.begun == 1)
        if half and tls is None:
            caller.writer.write_eof()
        else:
            caller.writer.close()
        async with asyncio.timeout(5):
            await until(lambda: waiting.cancelled == 1)
    assert waiting.ended == streamed


async def test_what_a_cancelled_request_does_to_end_well_is_not_cancelled_too(calling: Calling) -> None:
    done = []

    async def careful(request: Request) -> Answer:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.1)
            done.append(request.path)
        return Response(200)

    async with calling(careful, drain=5) as caller:
        await caller.send(get())
        await asyncio.sleep(0.1)
        caller.writer.close()
        async with asyncio.timeout(5):
            await until(lambda: done == ["/a"])


async def test_a_thousand_callers_who_go_leave_nothing_behind(tls: Tls | None) -> None:
    waiting = Waiting()
    servers: list[http_connection.Connections] = []
    init = http_connection.Connections.__init__

    def noted(self: http_connection.Connections, *arguments: Any) -> None:
        init(self, *arguments)
        servers.append(self)

    async def read(request: Request) -> Answer:
        if request.method == "POST":
            await request.read()
        return await waiting(request)

    parts = [
        get(),
        get()[:-3],
        b"",
        post(b"abc")[:-1],
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        get() * 20,
    ]

    async def one(port: int, number: int) -> None:
        async with RawCaller.calling(port, tls and tls.client) as caller:
            await caller.send(parts[number % len(parts)])
            if number % 2:
                await asyncio.sleep(0.01)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_connection.Connections, "__init__", noted)
        async with serving(read, tls and tls.server) as port:
            before = len(asyncio.all_tasks())
            for start in range(0, 1000 if tls is None else 200, 50):
                await asyncio.gather(*(one(port, number) for number in range(start, start + 50)))
            async with asyncio.timeout(10):
                await until(lambda: not servers[0].open)
            await asyncio.sleep(0.05)
            gc.collect()
            assert len(asyncio.all_tasks()) == before
            alive = (one for one in gc.get_objects() if isinstance(one, http_connection.Connection))
            assert not [one for one in alive if one._connections is servers[0]]
    assert waiting.begun == waiting.cancelled > 0


# --- callers who are slow


async def test_a_head_that_trickles_is_not_waited_for(calling: Calling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "_HEAD", 0.3)
    async with calling() as caller:
        await caller.send(get())
        assert (await caller.answer()).status == 200
        started = asyncio.get_running_loop().time()
        trickling = asyncio.create_task(caller.send(*[b"GET /" + b"a" * 100] + [b"a"] * 100, pause=0.05))
        with contextlib.suppress(ConnectionError):  # what was sent after the end is not listened to any more
            assert await caller.rest() == b""
        assert 0.2 < asyncio.get_running_loop().time() - started < 2
        trickling.cancel()


async def test_a_head_may_come_in_pieces(calling: Calling) -> None:
    async with calling() as caller:
        for _ in range(2):
            await caller.send(*[bytes([byte]) for byte in get("/a", "B: c")], pause=0.001)
            assert (await caller.answer()).heard["path"] == "/a"


async def test_who_was_slow_once_is_not_cut_off_later(calling: Calling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "_HEAD", 0.3)
    async with calling() as caller:
        for _ in range(4):
            await caller.send(get()[:10], get()[10:], pause=0.02)
            assert (await caller.answer()).status == 200
            await asyncio.sleep(0.15)


async def test_an_idle_connection_is_closed(calling: Calling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "_IDLE", 0.3)
    async with calling() as caller:
        for _ in range(4):
            await caller.send(get())
            assert (await caller.answer()).status == 200
            await asyncio.sleep(0.15)
        assert await caller.rest() == b""


# --- the end of the server


async def test_at_the_end_requests_under_way_are_answered_and_idle_connections_closed(tls: Tls | None) -> None:
    waiting = Waiting()
    async with contextlib.AsyncExitStack() as stack:
        server = contextlib.AsyncExitStack()
        port = await server.enter_async_context(serving(waiting, tls and tls.server, drain=10))
        call = [await stack.enter_async_context(RawCaller.calling(port, tls and tls.client)) for _ in range(3)]
        await call[0].send(get("/under-way") + get("/too-late"))
        await call[2].send(get()[:-2])  # half a head
        await until(lambda: waiting.begun == 1)
        ending = asyncio.create_task(server.aclose())
        assert await call[1].rest() == b""
        assert await call[2].rest() == b""
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        assert not ending.done()
        waiting.go.set()
        told = await call[0].answer()
        assert (told.body, told.headers["connection"]) == (b"/under-way", "close")
        assert await call[0].rest() == b""
        async with asyncio.timeout(5):
            await ending


async def test_at_the_end_who_takes_too_long_is_cut_off(tls: Tls | None) -> None:
    waiting = Waiting()
    before = len(asyncio.all_tasks())
    async with contextlib.AsyncExitStack() as stack:
        async with serving(waiting.stream, tls and tls.server, drain=0.1) as port:
            caller = await stack.enter_async_context(RawCaller.calling(port, tls and tls.client))
            await caller.send(get())
            await until(lambda: waiting.begun == 1)
        assert (waiting.cancelled, waiting.ended) == (1, 1)
        with contextlib.suppress(ConnectionError):
            assert not (await caller.rest()).endswith(b"0\r\n\r\n")
    assert len(asyncio.all_tasks()) == before
