"""D-Bus: the bytes of a call as the specification has them, what comes back, and file descriptors beside it."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

import pytest

from nodeagent.kernel.dbus import CALL, ERROR, REPLY, SIGNAL, Bus, BusFailure, Message, decode, encode_call, length_of
from nodeagent.kernel.logind import drop_in

# Method call 1 to the bus itself, as its specification lays it out: fields path, interface, member, destination.
HELLO = (
    b"l\1\0\1\0\0\0\0\1\0\0\0\x6d\0\0\0"
    b"\1\1o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0"
    b"\2\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
    b"\3\1s\0\5\0\0\0Hello\0\0\0"
    b"\6\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
)


def message(kind: int, reply_to: int = 0, member: str = "", signature: str = "", body: bytes = b"") -> bytes:
    """The bytes of a message as the bus would send it."""
    fields = b""
    if reply_to:
        fields += b"\5\1u\0" + struct.pack("<I", reply_to)
    if member:
        name = member.encode()
        fields += bytes(-len(fields) % 8) + b"\3\1s\0" + struct.pack("<I", len(name)) + name + b"\0"
    if signature:
        text = signature.encode()
        fields += bytes(-len(fields) % 8) + b"\x08\1g\0" + bytes([len(text)]) + text + b"\0"
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), 9, len(fields))
    return head + fields + bytes(-(len(head) + len(fields)) % 8) + body


def test_a_call() -> None:
    bus = "org.freedesktop.DBus"
    assert encode_call(1, bus, "/org/freedesktop/DBus", bus, "Hello") == HELLO
    with_body = encode_call(2, "a.b", "/a", "a.B", "Kill", "ssi", ("unit", "all", 1))
    assert with_body.endswith(b"\4\0\0\0unit\0\0\0\0\3\0\0\0all\0\1\0\0\0")
    assert length_of(with_body) == len(with_body)
    sent = decode(with_body)
    assert (sent.kind, sent.member, sent.path, sent.body) == (CALL, "Kill", "/a", ("unit", "all", 1))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            message(SIGNAL, member="PrepareForShutdown", signature="b", body=b"\1\0\0\0"),
            Message(SIGNAL, member="PrepareForShutdown", body=(True,)),
            id="a truth",
        ),
        pytest.param(
            message(REPLY, 3, signature="v", body=b"\1t\0\0\0\0\0\0" + struct.pack("<Q", 5_000_000)),
            Message(REPLY, 3, body=(5_000_000,)),
            id="a number in a variant, aligned",
        ),
    ],
)
def test_decode(data: bytes, expected: Message) -> None:
    assert length_of(data) == len(data)
    assert decode(data) == expected


def test_half_a_header_says_nothing_yet() -> None:
    assert length_of(HELLO[:15]) == 0


def test_a_message_of_any_length_is_not_waited_for() -> None:
    with pytest.raises(BusFailure):
        length_of(struct.pack("<cBBBIII", b"l", 2, 0, 1, 1 << 30, 1, 0))


async def test_an_answer_may_follow_a_signal_come_in_pieces_and_bring_a_descriptor() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    bus = Bus(ours)
    told = message(SIGNAL, member="PrepareForShutdown", signature="b", body=b"\1\0\0\0")
    answer = message(REPLY, 1, signature="h", body=b"\0\0\0\0")
    given, kept = os.pipe()
    calling = asyncio.create_task(bus.call("a.b", "/a", "a.B", "Inhibit", "s", ("why",)))
    await asyncio.sleep(0)
    theirs.sendall(told + answer[:10])
    await asyncio.sleep(0.01)
    socket.send_fds(theirs, [answer[10:]], [given])
    os.close(given)
    assert await calling == (0,)
    os.close(kept)
    descriptor = bus.take_descriptor()
    assert os.read(descriptor, 1) == b""  # the other end of our pipe, and nobody writes to it any more
    os.close(descriptor)
    assert (await bus.signal()).member == "PrepareForShutdown"
    theirs.sendall(message(ERROR, 2, signature="s", body=b"\2\0\0\0no\0"))
    with pytest.raises(BusFailure, match="no"):
        await bus.call("a.b", "/a", "a.B", "Inhibit")
    theirs.close()
    with pytest.raises(BusFailure, match="gone"):
        await bus.signal()
    bus.close()


def test_what_logind_is_told() -> None:
    assert drop_in(40) == "[Login]\nInhibitDelayMaxSec=40\n"
