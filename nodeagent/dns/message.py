"""DNS messages on the wire: RFC 1035 (format), 2782 (SRV), 3596 (AAAA), 6891 (EDNS0)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

Name: TypeAlias = tuple[str, ...]
"""Labels from the left, in lower case: ("www", "example", "org"); the root is ()."""

CLASS_IN = 1
HEADER = 12  # bytes
PLAIN_UDP_LIMIT = 512  # bytes: what may be sent to a client that does not say it takes more
_MAX_POINTERS = 32  # more than a real message has: a loop


class Type(IntEnum):
    """Record types we make or read."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    TXT = 16
    AAAA = 28
    SRV = 33
    OPT = 41
    ANY = 255


class Code(IntEnum):
    """Response codes."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5


class BadMessage(ValueError):
    """Bytes that are no DNS message."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `type` is a number, for clients may ask for types we have no name for."""

    name: Name
    type: int
    class_: int = CLASS_IN


@dataclass(frozen=True, slots=True)
class Record:
    """One answer; `data` is encoded already, without compression."""

    name: Name
    type: int
    ttl: int  # seconds
    data: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed request."""

    id: int
    question: Question
    recursion_desired: bool
    udp_limit: int = PLAIN_UDP_LIMIT
    edns: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say to a question."""

    code: Code = Code.NOERROR
    records: Sequence[Record] = ()
    authority: Sequence[Record] = ()
    additional: Sequence[Record] = ()


def parse_name(text: str) -> Name:
    return tuple(label for label in text.lower().rstrip(".").split(".") if label)


def encode_name(name: Name) -> bytes:
    """Return a name as length-prefixed labels. Raises BadMessage for one that is too long."""
    encoded = b""
    for label in name:
        raw = label.encode("latin-1", errors="replace")
        if not 0 < len(raw) < 64:
            raise BadMessage(f"label of {len(raw)} bytes")
        encoded += bytes([len(raw)]) + raw
    if len(encoded) > 254:
        raise BadMessage("name longer than 255 bytes")
    return encoded + b"\0"


def decode_name(data: bytes, offset: int) -> tuple[Name, int]:
    """Return the name at `offset` and where it ends. Raises BadMessage."""
    labels: list[str] = []
    end, pointers, length = -1, 0, 0
    while True:
        if offset >= len(data):
            raise BadMessage("name runs past the end")
        size = data[offset]
        if size >= 0xC0:
            if offset + 1 >= len(data) or pointers >= _MAX_POINTERS:
                raise BadMessage("bad compression pointer")
            end = offset + 2 if end < 0 else end
            offset, pointers = (size & 0x3F) << 8 | data[offset + 1], pointers + 1
        elif size >= 0x40:
            raise BadMessage("unknown label type")
        elif size == 0:
            return tuple(labels), offset + 1 if end < 0 else end
        else:
            if offset + 1 + size > len(data):
                raise BadMessage("label runs past the end")
            labels.append(data[offset + 1 : offset + 1 + size].decode("latin-1").lower())
            offset, length = offset + 1 + size, length + size + 1
            if length > 254:
                raise BadMessage("name longer than 255 bytes")


def decode_query(data: bytes) -> Query:
    """Return the request in `data`. Raises BadMessage."""
    if len(data) < HEADER:
        raise BadMessage("shorter than a header")
    id_, flags, questions, answers, authority, additional = struct.unpack_from(">6H", data)
    if flags & 0x8000 or questions != 1:
        raise BadMessage("not a request with one question")
    name, offset = decode_name(data, HEADER)
    if offset + 4 > len(data):
        raise BadMessage("question runs past the end")
    type_, class_ = struct.unpack_from(">2H", data, offset)
    limit = _edns_limit(data, offset + 4, answers + authority + additional)
    question = Question(name, type_, class_)
    return Query(id_, question, bool(flags & 0x0100), max(PLAIN_UDP_LIMIT, limit), limit > 0)


def _edns_limit(data: bytes, offset: int, records: int) -> int:
    """The UDP size an OPT record offers (0: there is none)."""
    for _ in range(records):
        name, offset = decode_name(data, offset)
        if offset + 10 > len(data):
            raise BadMessage("record runs past the end")
        type_, class_, _, size = struct.unpack_from(">2HIH", data, offset)
        if type_ == Type.OPT and not name:
            return int(class_) or PLAIN_UDP_LIMIT
        offset += 10 + size
    return 0


def encode_query(id_: int, question: Question) -> bytes:
    """Return a request that wants recursion."""
    header = struct.pack(">6H", id_, 0x0100, 1, 0, 0, 0)
    return header + encode_name(question.name) + struct.pack(">2H", question.type, question.class_)


def encode_response(query: Query, answer: Answer, limit: int = 65535) -> bytes:
    """Return the response; one larger than `limit` bytes is cut to its question and marked truncated."""
    flags = 0x8400 | (0x0100 if query.recursion_desired else 0) | 0x0080 | answer.code
    sections = [answer.records, answer.authority, answer.additional]
    opt = b"\0" + struct.pack(">2HIH", Type.OPT, 1232, 0, 0) if query.edns else b""
    question = encode_name(query.question.name) + struct.pack(">2H", query.question.type, query.question.class_)
    body = b"".join(encode_record(record) for section in sections for record in section)
    counts = [len(section) for section in sections]
    if HEADER + len(question) + len(body) + len(opt) > limit:
        flags, body, counts = flags | 0x0200, b"", [0, 0, 0]
    header = struct.pack(">6H", query.id, flags, 1, counts[0], counts[1], counts[2] + bool(opt))
    return header + question + body + opt


def encode_record(record: Record) -> bytes:
    head = struct.pack(">2HIH", record.type, CLASS_IN, record.ttl, len(record.data))
    return encode_name(record.name) + head + record.data


def minimum_ttl(response: bytes) -> int:
    """Return the smallest TTL, in seconds, of a response's records (0: it has none). Raises BadMessage."""
    if len(response) < HEADER:
        raise BadMessage("shorter than a header")
    _, _, questions, *sections = struct.unpack_from(">6H", response)
    offset = HEADER
    for _ in range(questions):
        _, offset = decode_name(response, offset)
        offset += 4
    found: list[int] = []
    for _ in range(sum(sections)):
        _, offset = decode_name(response, offset)
        if offset + 10 > len(response):
            raise BadMessage("record runs past the end")
        type_, _, ttl, size = struct.unpack_from(">2HIH", response, offset)
        offset += 10 + size
        if type_ != Type.OPT:  # there the field means something else
            found.append(ttl)
    return min(found, default=0)


def address(name: Name, ip: IPv4Address | IPv6Address, ttl: int) -> Record:
    return Record(name, Type.A if ip.version == 4 else Type.AAAA, ttl, ip.packed)


def alias(name: Name, target: Name, ttl: int, type_: Type = Type.CNAME) -> Record:
    return Record(name, type_, ttl, encode_name(target))


def service(name: Name, priority: int, weight: int, port: int, target: Name, ttl: int) -> Record:
    return Record(name, Type.SRV, ttl, struct.pack(">3H", priority, weight, port) + encode_name(target))


def text(name: Name, value: str, ttl: int) -> Record:
    raw = value.encode()[:255]
    return Record(name, Type.TXT, ttl, bytes([len(raw)]) + raw)


def authority(zone: Name, ttl: int) -> Record:
    """The zone's SOA; its last number is how long a "no such name" may be remembered: RFC 2308."""
    numbers = struct.pack(">5I", 1, 7200, 1800, 86400, ttl)
    return Record(zone, Type.SOA, ttl, encode_name(("ns", "dns", *zone)) + encode_name(("hostmaster", *zone)) + numbers)
