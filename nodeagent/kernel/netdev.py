"""What network interfaces have carried: /proc/PID/net/dev, which shows the network namespace of that process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface's counters since it was made."""

    name: str
    received: int  # bytes
    received_packets: int
    received_errors: int
    received_dropped: int
    sent: int  # bytes
    sent_packets: int
    sent_errors: int
    sent_dropped: int


def interfaces(process: str = "self", proc: Path = PROC) -> tuple[Interface, ...]:
    """Return the interfaces that a process sees, by name; none when it has ended."""
    try:
        text = (proc / process / "net/dev").read_text()
    except OSError:
        return ()
    return tuple(sorted(parse(text), key=lambda one: one.name))


def parse(text: str) -> Iterator[Interface]:
    """Yield the interfaces of proc(5)'s net/dev: two lines of headings, then eight numbers each way."""
    for line in text.splitlines()[2:]:
        name, _, numbers = line.rpartition(":")
        counters = [int(number) for number in numbers.split()]
        yield Interface(name.strip(), *counters[:4], *counters[8:12])
