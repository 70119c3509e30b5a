"""From containerd's messages to our values."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any

from nodeagent.cri import containerd_events_pb2 as events_pb
from nodeagent.cri import cri_pb2 as pb
from nodeagent.cri.channel import Channel
from nodeagent.cri.errors import ImageNotFound, ImagePullFailed, NotFound, RuntimeFailure, TimedOut, Unavailable
from nodeagent.cri.events import Event, Exited, OutOfMemory, parse
from nodeagent.cri.images import Images
from nodeagent.cri.records import Condition, Handler
from nodeagent.cri.runtime import Runtime, runtime_status


def _envelope(topic: str, message: object) -> events_pb.Envelope:
    return events_pb.Envelope(topic=topic, event=Any(value=message.SerializeToString()))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        pytest.param(
            _envelope("/tasks/exit", events_pb.TaskExit(container_id="c", id="c", exit_status=3)),
            Exited("c", 3),
            id="exit",
        ),
        pytest.param(
            _envelope("/tasks/exit", events_pb.TaskExit(container_id="c", id="exec-1")), None, id="of an exec'd process"
        ),
        pytest.param(_envelope("/tasks/oom", events_pb.TaskOOM(container_id="c")), OutOfMemory("c"), id="oom"),
        pytest.param(_envelope("/tasks/start", events_pb.TaskOOM()), None, id="something else"),
    ],
)
def test_events(envelope: events_pb.Envelope, expected: Event | None) -> None:
    assert parse(envelope) == expected


class _Failing(grpc.GenericRpcHandler):
    """A runtime that answers everything with one code."""

    def __init__(self, code: grpc.StatusCode):
        self._code = code

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        async def answer(_: bytes, context: grpc.aio.ServicerContext) -> bytes:
            await context.abort(self._code, "because")
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.mark.parametrize(
    ("code", "error", "pull_error"),
    [
        (grpc.StatusCode.NOT_FOUND, NotFound, ImageNotFound),
        (grpc.StatusCode.DEADLINE_EXCEEDED, TimedOut, ImagePullFailed),
        (grpc.StatusCode.UNAVAILABLE, Unavailable, Unavailable),
        (grpc.StatusCode.UNKNOWN, RuntimeFailure, ImagePullFailed),
    ],
)
async def test_failures(
    tmp_path: Path, code: grpc.StatusCode, error: type[Exception], pull_error: type[Exception]
) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Failing(code),))
    socket = str(tmp_path / "s")
    server.add_insecure_port(f"unix://{socket}")
    await server.start()
    seen: list[tuple[str, bool]] = []
    channel = Channel(socket, lambda operation, seconds, failed: seen.append((operation, failed)))
    with pytest.raises(error, match="desc = because") as caught:
        await Runtime(channel).container_status("c")
    assert type(caught.value) is error
    with pytest.raises(pull_error):
        await Images(channel).pull("x")
    assert seen == [("ContainerStatus", True), ("PullImage", True)]
    await channel.close()
    await server.stop(None)


async def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    channel = Channel(str(tmp_path / "none"))
    with pytest.raises(Unavailable):
        async with asyncio.timeout(10):
            await Runtime(channel).version()
    await channel.close()


def test_what_the_runtime_can_do() -> None:
    handlers = [
        pb.RuntimeHandler(name=""),
        pb.RuntimeHandler(name="runc", features=pb.RuntimeHandlerFeatures(recursive_read_only_mounts=True)),
    ]
    condition = pb.RuntimeCondition(type="RuntimeReady", status=True)
    answer = pb.StatusResponse(
        status=pb.RuntimeStatus(conditions=[condition]), runtime_handlers=handlers, features=pb.RuntimeFeatures()
    )
    status = runtime_status(answer)
    assert status.conditions == (Condition("RuntimeReady", True),)
    assert status.handler("runc").recursive_read_only
    assert not status.handler("").recursive_read_only
    assert status.handler("unheard") == Handler("unheard")
    assert (status.strict_groups, runtime_status(pb.StatusResponse()).strict_groups) == (False, None)


def test_field_numbers_are_the_protocols() -> None:
    """A few that are easy to get wrong, against bytes written down from the specification."""
    status = pb.ContainerStatus(id="c", state=pb.CONTAINER_EXITED, exit_code=3, log_path="l")
    assert status.SerializeToString() == b"\x0a\x01c\x18\x02\x38\x03\x7a\x01l"
    context = pb.LinuxContainerSecurityContext(run_as_group=pb.Int64Value(value=5), no_new_privs=True)
    assert context.SerializeToString() == b"\x58\x01\x62\x02\x08\x05"
    masked = pb.LinuxContainerSecurityContext(masked_paths=["a"], readonly_paths=["b"])
    assert masked.SerializeToString() == b"\x6a\x01a\x72\x01b"
    sandbox = pb.PodSandboxStatus(id="s", runtime_handler="h")
    assert sandbox.SerializeToString() == b"\x0a\x01s\x4a\x01h"
    assert pb.PodSandbox(id="s", runtime_handler="h").SerializeToString() == b"\x0a\x01s\x3a\x01h"
    mount = pb.Mount(readonly=True, recursive_read_only=True)
    assert mount.SerializeToString() == b"\x18\x01\x40\x01"
    handler = pb.RuntimeHandler(name="h", features=pb.RuntimeHandlerFeatures(recursive_read_only_mounts=True))
    answer = pb.StatusResponse(runtime_handlers=[handler], features=pb.RuntimeFeatures(supplemental_groups_policy=True))
    assert answer.SerializeToString() == b"\x1a\x07\x0a\x01h\x12\x02\x08\x01\x22\x02\x08\x01"
