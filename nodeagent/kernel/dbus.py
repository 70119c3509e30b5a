"""As much of D-Bus as talking to systemd takes: messages to bytes and back, and a connection to the system bus.

The wire format is the D-Bus specification's "Message Format", little-endian; types: y b i u t s o g h v, and arrays of
structures in the header only. File descriptors travel beside the bytes (SCM_RIGHTS).
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SYSTEM_BUS = "/run/dbus/system_bus_socket"
CALL, REPLY, ERROR, SIGNAL = 1, 2, 3, 4
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_TO, _DESTINATION, _SIGNATURE = 1, 2, 3, 4, 5, 6, 8
_FIELD_TYPES = {_PATH: "o", _INTERFACE: "s", _MEMBER: "s", _DESTINATION: "s", _SIGNATURE: "g"}
_FIXED = {"y": ("<B", 1), "b": ("<I", 4), "i": ("<i", 4), "u": ("<I", 4), "h": ("<I", 4), "t": ("<Q", 8)}
_HEADER = 16  # bytes before the header's fields
_LARGEST = 1 << 20  # bytes of a message; logind's have some hundred


class BusFailure(Exception):
    """The bus, or who was asked on it, cannot do it; what it said."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that arrived."""

    kind: int
    reply_to: int = 0
    path: str = ""
    interface: str = ""
    member: str = ""
    error: str = ""
    body: tuple[Any, ...] = ()


def encode_call(
    serial: int, destination: str, path: str, interface: str, member: str, signature: str = "", body: Sequence[Any] = ()
) -> bytes:
    """Return the bytes of a method call."""
    payload = bytearray()
    for type_, value in zip(signature, body, strict=True):
        _put(payload, type_, value)
    fields = {_PATH: path, _INTERFACE: interface, _MEMBER: member, _DESTINATION: destination}
    if signature:
        fields[_SIGNATURE] = signature
    header = bytearray(struct.pack("<cBBBII", b"l", CALL, 0, 1, len(payload), serial))
    listed = bytearray(bytes(_HEADER))  # paddings count from the message's start
    for code, value in fields.items():
        _pad(listed, 8)
        _put(listed, "y", code)
        _put(listed, "g", _FIELD_TYPES[code])
        _put(listed, _FIELD_TYPES[code], value)
    header += struct.pack("<I", len(listed) - _HEADER) + listed[_HEADER:]
    _pad(header, 8)
    return bytes(header + payload)


def _pad(data: bytearray, boundary: int) -> None:
    data.extend(bytes(-len(data) % boundary))


def _put(data: bytearray, type_: str, value: Any) -> None:
    if type_ in _FIXED:
        layout, size = _FIXED[type_]
        _pad(data, size)
        data += struct.pack(layout, value)
    elif type_ == "g":
        data += bytes([len(value)]) + value.encode() + b"\0"
    else:
        _pad(data, 4)
        text = value.encode()
        data += struct.pack("<I", len(text)) + text + b"\0"


def length_of(data: bytes | bytearray) -> int:
    """Return how long the message is that `data` begins with; 0 while that cannot be said. Raises BusFailure."""
    if len(data) < _HEADER:
        return 0
    if data[:1] != b"l":
        raise BusFailure("a message in another byte order")
    body, _, fields = struct.unpack_from("<III", data, 4)
    length: int = _HEADER + fields + -fields % 8 + body
    if length > _LARGEST:
        raise BusFailure(f"a message of {length} bytes")
    return length


def decode(data: bytes) -> Message:
    """Return the message that these bytes are."""
    reader = _Reader(data, 12)
    end = reader.take("u") + _HEADER
    found: dict[int, Any] = {}
    while reader.at < end:
        reader.align(8)
        code = reader.take("y")
        found[code] = reader.take("v")
    reader.align(8)
    body = tuple(reader.take(type_) for type_ in found.get(_SIGNATURE, ""))
    return Message(
        kind=data[1],
        reply_to=found.get(_REPLY_TO, 0),
        path=found.get(_PATH, ""),
        interface=found.get(_INTERFACE, ""),
        member=found.get(_MEMBER, ""),
        error=found.get(_ERROR_NAME, ""),
        body=body,
    )


@dataclass
class _Reader:
    data: bytes
    at: int

    def align(self, boundary: int) -> None:
        self.at += -self.at % boundary

    def take(self, type_: str) -> Any:
        if type_ == "v":
            return self.take(self.take("g"))
        if type_ in _FIXED:
            layout, size = _FIXED[type_]
            self.align(size)
            (value,) = struct.unpack_from(layout, self.data, self.at)
            self.at += size
            return bool(value) if type_ == "b" else value
        if type_ not in ("s", "o", "g"):
            raise BusFailure(f"a value of type {type_!r}")
        length = self.take("y") if type_ == "g" else self.take("u")
        text = self.data[self.at : self.at + length].decode()
        self.at += length + 1
        return text


class Bus:
    """A connection to the system bus. One caller at a time; signals wait in order until they are asked for."""

    def __init__(self, connection: socket.socket):
        self._socket = connection
        self._serial = 0
        self._bytes, self._descriptors = bytearray(), list[int]()
        self._signals: deque[Message] = deque()

    @classmethod
    async def connect(cls, path: str = SYSTEM_BUS) -> Bus:
        """Raises BusFailure."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        bus = cls(connection)
        try:
            await asyncio.get_running_loop().sock_connect(connection, path)
            await bus._introduce()
            await bus.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")
        except (OSError, BusFailure) as error:
            bus.close()
            raise BusFailure(f"{path}: {error}") from error
        return bus

    async def _introduce(self) -> None:
        loop = asyncio.get_running_loop()
        identity = str(os.getuid()).encode().hex()
        for line, expected in ((f"\0AUTH EXTERNAL {identity}", "OK"), ("NEGOTIATE_UNIX_FD", "AGREE_UNIX_FD")):
            await loop.sock_sendall(self._socket, f"{line}\r\n".encode())
            answer = (await loop.sock_recv(self._socket, 1024)).decode(errors="replace").strip()
            if not answer.startswith(expected):
                raise BusFailure(f"{line.split()[0]} was answered with {answer!r}")
        await loop.sock_sendall(self._socket, b"BEGIN\r\n")

    async def call(
        self, destination: str, path: str, interface: str, member: str, signature: str = "", body: Sequence[Any] = ()
    ) -> tuple[Any, ...]:
        """Call a method and return what it returned. Raises BusFailure."""
        self._serial += 1
        message = encode_call(self._serial, destination, path, interface, member, signature, body)
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, message)
        except OSError as error:
            raise BusFailure(f"{member}: {error}") from error
        while True:
            answer = await self._receive()
            if answer.kind == SIGNAL:
                self._signals.append(answer)
            elif answer.reply_to == self._serial:
                if answer.kind == ERROR:
                    raise BusFailure(f"{member}: {answer.error}: {' '.join(map(str, answer.body))}")
                return answer.body

    async def signal(self) -> Message:
        """Return the next signal. Raises BusFailure once the connection is gone."""
        while not self._signals:
            message = await self._receive()
            if message.kind == SIGNAL:
                self._signals.append(message)
        return self._signals.popleft()

    def take_descriptor(self) -> int:
        """Return the file descriptor that came with the last answer; it is the caller's to close. Raises BusFailure."""
        if not self._descriptors:
            raise BusFailure("no file descriptor came")
        return self._descriptors.pop(0)

    async def _receive(self) -> Message:
        while not (length := length_of(self._bytes)) or len(self._bytes) < length:
            await self._readable()
            try:
                data, descriptors, _, _ = socket.recv_fds(self._socket, 1 << 16, 4)
            except BlockingIOError:
                continue
            except OSError as error:
                raise BusFailure(f"the bus is gone: {error}") from error
            if not data:
                raise BusFailure("the bus is gone")
            self._bytes += data
            self._descriptors += descriptors
        message = decode(bytes(self._bytes[:length]))
        del self._bytes[:length]
        return message

    async def _readable(self) -> None:
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._socket, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._socket)

    def close(self) -> None:
        self._socket.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
