"""Container logs as containerd writes them, a line an entry:

    2026-11-21T03:38:40.233331291Z stdout F text      F: the whole line; P: the rest of the line follows

An entry longer than 16 KiB, or one that ends without a newline, is written in parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_BLOCK = 64 * 1024  # bytes read at once when searching backwards


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `timestamp` as written, `data` with its newline unless it is a part."""

    timestamp: str
    stream: str
    data: bytes


class MalformedLog(ValueError):
    """A line that is not in the log format."""


def parse_entry(line: bytes) -> Entry:
    """Return what one line of a log file says; `line` includes its newline. Raises MalformedLog."""
    timestamp, _, rest = line.partition(b" ")
    stream, _, rest = rest.partition(b" ")
    tags, space, text = rest.partition(b" ")
    if not space or stream not in (b"stdout", b"stderr") or not line.endswith(b"\n"):
        raise MalformedLog(f"not a log entry: {line[:80]!r}")
    partial = tags.split(b":")[0] == b"P"
    return Entry(timestamp.decode(), stream.decode(), text[:-1] if partial else text)


def tail_offset(path: Path, lines: int) -> int:
    """Return where the last `lines` entries of a file begin, in bytes. Raises OSError."""
    with path.open("rb") as file:
        position = file.seek(0, 2)
        if lines <= 0:
            return position
        missing = lines + 1  # the newline that ends the last line is not the start of one
        while position > 0:
            start = max(0, position - _BLOCK)
            file.seek(start)
            block = file.read(position - start)
            found = block.count(b"\n")
            if found >= missing:
                return start + _nth_newline_from_end(block, missing) + 1
            missing -= found
            position = start
    return 0


def _nth_newline_from_end(block: bytes, count: int) -> int:
    position = len(block)
    for _ in range(count):
        position = block.rindex(b"\n", 0, position)
    return position


def tail_text(path: Path, *, lines: int, limit: int) -> str:
    """Return the text of the last `lines` entries, at most `limit` bytes of it; "" if there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(tail_offset(path, lines))
            entries = file.read(lines * 32 * 1024).splitlines(keepends=True)
    except FileNotFoundError:
        return ""
    text = b"".join(_data(line) for line in entries)
    return text[-limit:].decode(errors="replace")


def _data(line: bytes) -> bytes:
    try:
        return parse_entry(line).data
    except MalformedLog:
        return b""
