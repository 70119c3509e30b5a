"""exec, attach, port-forward, logs and watches in every protocol: kubectl's own, its fallback, and those of others."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import re
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from kubernetes import client, config, stream

from controlplane.api.core_v1 import ConfigMap
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.spdy import Data, Framer, SynReply, SynStream
from controlplane.pki.issue import Leaf, issue
from controlplane.testing import HttpsApi
from nodeagent.server import port_forward
from tests.fakes.node import FakeNode, api_with_node
from tests.integration.apiserver.test_kubectl import KUBECTL, kubectl
from tests.waiting import until

POD = "/api/v1/namespaces/default/pods/web"
EXEC = f"{POD}/exec?command=cat&stdin=1&stdout=1&stderr=1"
FAILED = {
    "status": "Failure",
    "reason": "NonZeroExitCode",
    "message": "command terminated with non-zero exit code",
    "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
}


@dataclass
class StreamNode(FakeNode):
    """Speaks v4 and v5, forwards ports to `port` with the node agent's own code, and prints when told to."""

    target: int = 0  # where forwarded ports lead
    ends: dict[str, Any] = field(default_factory=lambda: FAILED)
    sizes: list[dict[str, int]] = field(default_factory=list)
    spout: int = 0  # bytes that a command prints before it reads anything
    sent: int = 0  # of these
    under_way: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if request.path.startswith("/portForward/"):
            self.under_way += 1
            try:
                return await port_forward.serve(request, self._connect)
            finally:
                self.under_way -= 1
        if request.path.startswith(("/exec/", "/attach/")):
            self.under_way += 1
            try:
                return await self._command(request)
            finally:
                self.under_way -= 1
        return await super().handle(request)

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if port == 1:
            raise ConnectionRefusedError(111, "Connection refused")
        return await asyncio.open_connection("127.0.0.1", self.target)

    async def _command(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"), max_msg_size=0)
        await socket.prepare(request)
        while self.sent < self.spout:
            await socket.send_bytes(b"\x01" + b"x" * 65536)
            self.sent += 65536
        async for message in socket:
            channel, data = message.data[0], message.data[1:]
            if channel == 0:
                await socket.send_bytes(b"\x01" + data)
                await socket.send_bytes(b"\x02!")
                if data == b"exit\n":
                    break
            elif channel == 4:
                self.sizes.append(json.loads(data))
            elif (channel, data) == (255, b"\x00"):
                break
        await socket.send_bytes(b"\x03" + json.dumps(self.ends).encode())
        await socket.close()
        return socket


@pytest.fixture
def node() -> StreamNode:
    return StreamNode()


@pytest.fixture
async def api(tmp_path: Path, node: StreamNode) -> AsyncIterator[HttpsApi]:
    async with api_with_node(tmp_path, node) as running:
        yield running


@pytest.fixture
async def session(api: HttpsApi) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=client_tls(api), limit=0)
    async with aiohttp.ClientSession(api.url, connector=connector) as session:
        yield session


def client_tls(api: HttpsApi) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=str(api.ca_file))
    pair = issue(Leaf("admin", ("system:masters",)), api.authority, api.clock.now())
    tls.load_cert_chain(*api.write_pair("caller", pair))
    return tls


# --- kubectl, with its own protocol and with the one it falls back to


@pytest.fixture(params=["true", "false"], ids=["WebSocket", "SPDY"])
def websockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", request.param)
    monkeypatch.setenv("KUBECTL_PORT_FORWARD_WEBSOCKETS", request.param)
    return bool(request.param == "true")


async def test_exec(api: HttpsApi, node: StreamNode, websockets: bool) -> None:
    code, said = await kubectl(api, "exec", "-i", "web", "--", "cat", stdin="hello\n" * 1000)
    assert code == 3
    assert said.replace("!", "").startswith("hello\n" * 1000)
    assert "command terminated with exit code 3" in said


async def test_exec_that_succeeds_without_input(api: HttpsApi, node: StreamNode, websockets: bool) -> None:
    node.ends = {"status": "Success"}
    code, said = await kubectl(api, "exec", "-i", "web", "--", "cat", stdin="a")
    assert (code, said.replace("!", "")) == (0, "a")


async def test_attach_with_much_data_both_ways(api: HttpsApi, node: StreamNode, websockets: bool) -> None:
    node.ends = {"status": "Success"}
    text = "0123456789abcdef" * 65536 * 4  # 4 MiB
    code, said = await kubectl(api, "attach", "-i", "web", "-q", stdin=text)
    assert code == 0, said[-200:]
    assert said.replace("!", "") == text


async def test_a_terminal(api: HttpsApi, node: StreamNode, websockets: bool) -> None:
    main, other = os.openpty()
    environ = {**os.environ, "TERM": "xterm"}
    import fcntl
    import termios

    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    process = await asyncio.create_subprocess_exec(
        str(KUBECTL), "--kubeconfig", str(api.kubeconfig), "exec", "-it", "web", "--", "sh",
        stdin=other, stdout=other, stderr=other, env=environ,
    )  # fmt: skip
    os.close(other)
    try:
        async with asyncio.timeout(20):
            await until(lambda: bool(node.sizes))
            os.write(main, b"exit\n")
            assert await process.wait() == 3
    finally:
        os.close(main)
    assert node.sizes[0] == {"Width": 99, "Height": 33}
    assert "tty=1" in node.asked[-1]


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """A TCP server that answers each line, and says goodbye to who ends theirs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write(b"bye")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_port_forward(api: HttpsApi, node: StreamNode, websockets: bool) -> None:
    async with echoing() as port:
        node.target = port
        process = await asyncio.create_subprocess_exec(
            str(KUBECTL), "--kubeconfig", str(api.kubeconfig), "port-forward", "pod/web", ":80",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(20):
                said = (await process.stdout.readline()).decode()
                found = re.search(r"127\.0\.0\.1:(\d+) -> 80", said)
                assert found, said
                for _ in range(3):
                    reader, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
                    sent = os.urandom(1 << 20)
                    writer.write(sent)
                    assert await reader.readexactly(len(sent)) == sent
                    writer.write_eof()
                    assert await reader.read() == b"bye"  # the other half was still open
                    writer.close()
        finally:
            process.kill()
            await process.wait()


# --- other clients


@pytest.mark.parametrize(
    ("protocols", "agreed", "text"),
    [
        pytest.param((), None, False, id="none"),
        pytest.param(("channel.k8s.io",), "channel.k8s.io", False, id="v1"),
        pytest.param(("base64.channel.k8s.io",), "base64.channel.k8s.io", True, id="base64"),
        pytest.param(("x", "v4.channel.k8s.io"), "v4.channel.k8s.io", False, id="v4"),
        pytest.param(("v4.base64.channel.k8s.io",), "v4.base64.channel.k8s.io", True, id="v4 in base64"),
    ],
)
async def test_exec_of_other_clients(
    session: aiohttp.ClientSession, protocols: tuple[str, ...], agreed: str | None, text: bool
) -> None:
    async with session.ws_connect(EXEC, protocols=protocols) as socket:
        assert socket.protocol == agreed
        if text:
            await socket.send_str("0" + base64.b64encode(b"exit\n").decode())
        else:
            await socket.send_bytes(b"\x00exit\n")
        found: dict[int, bytes] = {}
        async for message in socket:
            assert (message.type is aiohttp.WSMsgType.TEXT) == text
            data = message.data
            channel, said = (int(data[0]), base64.b64decode(data[1:])) if text else (data[0], data[1:])
            found[channel] = found.get(channel, b"") + said
    assert (found[1], found[2]) == (b"exit\n", b"!")
    if agreed and agreed.startswith("v4"):
        assert json.loads(found[3])["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    else:
        assert found[3] == b"command terminated with non-zero exit code"


async def test_a_success_says_nothing_to_the_first_protocol(session: aiohttp.ClientSession, node: StreamNode) -> None:
    node.ends = {"status": "Success"}
    async with session.ws_connect(EXEC, protocols=("channel.k8s.io",)) as socket:
        await socket.send_bytes(b"\x00exit\n")
        assert [m.data async for m in socket] == [b"\x01", b"\x01exit\n", b"\x02!"]


async def test_a_token_among_the_protocols(api: HttpsApi) -> None:
    token = base64.urlsafe_b64encode(b"nonsense").rstrip(b"=").decode()
    tls = ssl.create_default_context(cafile=str(api.ca_file))
    bearer = f"base64url.bearer.authorization.k8s.io.{token}"
    async with aiohttp.ClientSession(api.url, connector=aiohttp.TCPConnector(ssl=tls)) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(EXEC, protocols=(bearer, "v4.channel.k8s.io"))
        assert refused.value.status == 401
        with pytest.raises(aiohttp.WSServerHandshakeError) as stranger:
            await session.ws_connect(EXEC, protocols=("v4.channel.k8s.io",))
        assert stranger.value.status == 403


@pytest.mark.parametrize(
    ("protocols", "wanted"),
    [
        pytest.param((), b"GET /containerLogs/default/web/main: \n", id="none"),
        pytest.param(("binary.k8s.io",), b"GET /containerLogs/default/web/main: \n", id="binary"),
        pytest.param(("base64.binary.k8s.io",),
                     base64.b64encode(b"GET /containerLogs/default/web/main: \n").decode(), id="base64"),
    ],
)  # fmt: skip
async def test_logs(session: aiohttp.ClientSession, protocols: tuple[str, ...], wanted: bytes | str) -> None:
    async with session.ws_connect(f"{POD}/log", protocols=protocols) as socket:
        assert [message.data async for message in socket] == [wanted]


async def test_a_watch(api: HttpsApi, session: aiohttp.ClientSession) -> None:
    path = "/api/v1/namespaces/default/configmaps?watch=1"
    async with asyncio.timeout(10), session.ws_connect(path) as socket:
        ours = api.memory.client()
        for name in ("a", "b"):
            await ours.create(ConfigMap(metadata=ObjectMeta(name=name, namespace="default")))
        events = [json.loads(await socket.receive_str()) for _ in range(2)]
    assert [(one["type"], one["object"]["metadata"]["name"]) for one in events] == [("ADDED", "a"), ("ADDED", "b")]


async def test_port_forward_of_other_clients(session: aiohttp.ClientSession, node: StreamNode) -> None:
    async with echoing() as port, asyncio.timeout(10):
        node.target = port
        async with session.ws_connect(
            f"{POD}/portforward?ports=80&ports=1", protocols=("v4.channel.k8s.io",)
        ) as socket:
            opened = [await socket.receive_bytes() for _ in range(4)]
            assert opened == [bytes([channel]) + struct.pack("<H", number) for channel, number in
                              ((0, 80), (1, 80), (2, 1), (3, 1))]  # fmt: skip
            await socket.send_bytes(b"\x00hello")
            said = {await socket.receive_bytes() for _ in range(2)}
            assert b"\x00hello" in said
            assert b"\x03failed to connect to localhost:1 inside the pod: Connection refused" in said


# --- SPDY by hand


class Spdy:
    """A caller who speaks SPDY/3.1 over a connection of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader, self.writer, self.framer = reader, writer, Framer()

    @classmethod
    async def open(cls, api: HttpsApi, target: str, *versions: str, tls: ssl.SSLContext) -> tuple[str, Spdy]:
        """Ask for the upgrade; return the head of the answer, and the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port, ssl=tls)
        lines = [
            f"POST {target} HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: SPDY/3.1",
            *(f"X-Stream-Protocol-Version: {version}" for version in versions), "Content-Length: 0",
        ]  # fmt: skip
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return (await reader.readuntil(b"\r\n\r\n")).decode(), cls(reader, writer)

    async def streams(self, *types: str) -> None:
        for number, type_ in enumerate(types):
            self.writer.write(self.framer.encode(SynStream(2 * number + 1, {"streamtype": type_})))
        await self.writer.drain()

    async def close(self) -> None:
        self.writer.transport.abort()


async def test_who_speaks_no_version_that_we_know_is_told(api: HttpsApi) -> None:
    head, spdy = await Spdy.open(api, EXEC, "v9.channel.k8s.io", tls=client_tls(api))
    assert head.startswith("HTTP/1.1 403 ")
    assert "X-Accepted-Stream-Protocol-Versions: v4.channel.k8s.io" in head
    await spdy.close()


async def test_who_does_not_speak_spdy_is_hung_up_on(api: HttpsApi, node: StreamNode) -> None:
    _, spdy = await Spdy.open(api, EXEC, "v4.channel.k8s.io", tls=client_tls(api))
    spdy.writer.write(b"\x80\x01\x00\x01\x00\x00\x00\x00")
    async with asyncio.timeout(10):
        assert await spdy.reader.read() == b""
        await until(lambda: not node.under_way)
    await spdy.close()


@pytest.mark.parametrize("protocol", ["SPDY", "WebSocket"])
async def test_a_slow_reader_holds_the_command_back(
    api: HttpsApi, node: StreamNode, session: aiohttp.ClientSession, protocol: str
) -> None:
    node.spout = 512 * 1024 * 1024
    if protocol == "SPDY":
        _, spdy = await Spdy.open(api, EXEC, "v4.channel.k8s.io", tls=client_tls(api))
        await spdy.streams("error", "stdin", "stdout", "stderr")
    else:
        socket = await session.ws_connect(EXEC, protocols=("channel.k8s.io",))
    async with asyncio.timeout(20):
        await until(lambda: node.sent > 0)
        stalled = -1
        while stalled != node.sent:
            stalled = node.sent
            await asyncio.sleep(0.3)
    assert 0 < node.sent < 64 * 1024 * 1024  # what the buffers of three connections hold, whatever is printed
    if protocol == "SPDY":
        await spdy.close()
    else:
        await socket.close()


async def test_hundreds_of_sessions_leave_nothing_behind(api: HttpsApi, node: StreamNode) -> None:
    node.ends = {"status": "Success"}
    tls = client_tls(api)

    async def one(number: int) -> None:
        head, spdy = await Spdy.open(api, EXEC, "v4.channel.k8s.io", tls=tls)
        assert head.startswith("HTTP/1.1 101 ")
        assert "X-Stream-Protocol-Version: v4.channel.k8s.io" in head
        await spdy.streams("error", "stdin", "stdout", "stderr")
        if number % 3:  # every third one goes without a word
            spdy.writer.write(spdy.framer.encode(Data(3, b"hello", fin=True)))
            await _until_ended(spdy, {1, 3, 5, 7})
        await spdy.close()

    async def settled() -> tuple[int, int]:
        async with asyncio.timeout(20):
            await until(lambda: not node.under_way)
        await asyncio.sleep(0.2)
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks())

    async with asyncio.timeout(60):
        await asyncio.gather(*map(one, range(30)))
        files, tasks = await settled()
        for start in (0, 150):
            await asyncio.gather(*map(one, range(start, start + 150)))
        now_files, now_tasks = await settled()
    assert now_files <= files + 5
    assert now_tasks <= tasks + 5


async def _until_ended(spdy: Spdy, streams: set[int]) -> None:
    replies = 0
    while streams:
        data = await spdy.reader.read(65536)
        assert data, f"hung up with {streams} open"
        for frame in spdy.framer.feed(data):
            replies += isinstance(frame, SynReply)
            if isinstance(frame, Data) and frame.fin:
                streams.discard(frame.stream)
    assert replies == 4


# --- the official Python client


async def test_python_exec(api: HttpsApi, node: StreamNode) -> None:
    def run() -> tuple[str, str, int]:
        with config.new_client_from_config(str(api.kubeconfig)) as connected:
            session = stream.stream(
                client.CoreV1Api(connected).connect_get_namespaced_pod_exec, "web", "default", command=["cat"],
                stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
            )  # fmt: skip
            session.write_stdin("exit\n")
            session.run_forever(timeout=10)
            session.close()
            return session.read_stdout(), session.read_stderr(), session.returncode

    assert await asyncio.to_thread(run) == ("exit\n", "!", 3)


# The client never closes the connection of a port-forward; the collector does, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_python_port_forward(api: HttpsApi, node: StreamNode) -> None:
    def run() -> bytes:
        with config.new_client_from_config(str(api.kubeconfig)) as connected:
            forward = stream.portforward(
                client.CoreV1Api(connected).connect_get_namespaced_pod_portforward, "web", "default", ports="80"
            )
            connection = forward.socket(80)
            connection.setblocking(True)
            connection.sendall(b"hello")
            received = b""
            while len(received) < 5:
                received += connection.recv(100)
            connection.close()
            return received

    async with echoing() as port, asyncio.timeout(20):
        node.target = port
        assert await asyncio.to_thread(run) == b"hello"
