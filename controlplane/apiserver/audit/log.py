"""The audit log: a line per event in a file that is rotated, or on the standard output.

audit.log                                  written to
audit-2026-11-26T06-30-00.000.log          what was, until the moment in its name (UTC)
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Protocol

from controlplane.apiserver.audit.auditor import Lost, Sink
from controlplane.apiserver.audit.batch import BatchConfig, Batched
from controlplane.apiserver.audit.event import Event, json_line, legacy_line
from controlplane.kit.clock import Clock

PLUGIN = "log"
FORMATS = {"json": json_line, "legacy": legacy_line}
MODES = ("batch", "blocking", "blocking-strict")

_STAMP = "%Y-%m-%dT%H-%M-%S.%f"
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The --audit-log-* flags."""

    path: str  # "-": standard output
    max_age: int = 366  # days that rotated files are kept; 0: for ever
    max_backups: int = 100  # rotated files that are kept; 0: all
    max_size: int = 100  # MiB after which the file is rotated; 0: never
    format: str = "json"
    mode: str = "blocking"
    batch: BatchConfig = BatchConfig(size=1, qps=0)  # noqa: RUF009  # frozen

    def __call__(self, clock: Clock, random: Random, lost: Lost) -> Sink:
        """Return the sink. Raises OSError if the file cannot be written to."""
        out = StandardOutput() if self.path == "-" else LogFile(self, clock)
        writer = Writer(out, FORMATS[self.format], lost)
        if self.mode == "batch":
            return BatchedLog(writer, Batched(writer.deliver, self.batch, clock, lost))
        return BlockingLog(writer, strict=self.mode == "blocking-strict")


class Output(Protocol):
    def write(self, lines: bytes) -> None:
        """Raises OSError."""

    def close(self) -> None: ...


class StandardOutput:
    """Lines among those of the server itself."""

    def write(self, lines: bytes) -> None:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()

    def close(self) -> None:
        pass


class LogFile:
    """A file that becomes another when it is full."""

    def __init__(self, settings: LogSettings, clock: Clock):
        self._path, self._settings, self._clock = Path(settings.path), settings, clock
        self._limit = settings.max_size * _MEBIBYTE
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file, self._size = self._open()

    def write(self, lines: bytes) -> None:
        if self._limit and self._size and self._size + len(lines) > self._limit:
            self._rotate()
        written = 0
        while written < len(lines):
            written += os.write(self._file, lines[written:])
        self._size += len(lines)

    def close(self) -> None:
        os.close(self._file)

    def _open(self) -> tuple[int, int]:
        file = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        return file, os.fstat(file).st_size

    def _rotate(self) -> None:
        stamp = self._clock.now().astimezone(UTC).strftime(_STAMP)[:-3]
        self._path.rename(self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}"))
        before = self._file
        self._file, self._size = self._open()
        os.close(before)
        for old in outdated(self._backups(), self._settings, self._clock.now()):
            old.unlink(missing_ok=True)

    def _backups(self) -> list[tuple[Path, datetime]]:
        """Return the rotated files and the moments in their names."""
        found = []
        opening = f"{self._path.stem}-"
        for path in self._path.parent.glob(f"*{self._path.suffix}"):
            if not path.name.startswith(opening):
                continue
            try:
                moment = datetime.strptime(path.stem.removeprefix(opening), _STAMP).replace(tzinfo=UTC)
            except ValueError:
                continue  # somebody else's
            found.append((path, moment))
        return found


def outdated(backups: Sequence[tuple[Path, datetime]], settings: LogSettings, now: datetime) -> list[Path]:
    """Return the rotated files that are too old or too many."""
    newest = sorted(backups, key=lambda backup: backup[1], reverse=True)
    many = newest[settings.max_backups :] if settings.max_backups else []
    oldest = now - timedelta(days=settings.max_age)
    old = [backup for backup in newest if backup[1] < oldest] if settings.max_age else []
    return list(dict.fromkeys(path for path, _ in (*many, *old)))


class Writer:
    """Writes events as lines."""

    def __init__(self, out: Output, line: Callable[[Event], bytes], lost: Lost):
        self._out, self._line, self._lost = out, line, lost

    def write(self, events: Sequence[Event]) -> bool:
        """Return whether it worked."""
        try:
            self._out.write(b"".join(map(self._line, events)))
        except OSError as error:
            self._lost(PLUGIN, events, str(error))
            return False
        return True

    async def deliver(self, events: Sequence[Event]) -> None:
        """Write away from the event loop: a disk may take its time."""
        await asyncio.to_thread(self.write, events)

    def close(self) -> None:
        self._out.close()


class BlockingLog:
    """Writes each event before its request goes on; if `strict`, a request that cannot be logged does not go on."""

    def __init__(self, writer: Writer, *, strict: bool):
        self._writer, self._strict = writer, strict

    def take(self, event: Event) -> bool:
        return self._writer.write([event]) or not self._strict

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._writer.close()


class BatchedLog:
    """Writes events after the requests they tell of."""

    def __init__(self, writer: Writer, batched: Batched):
        self._writer, self._batched = writer, batched

    def take(self, event: Event) -> bool:
        return self._batched.take(event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with self._batched.running():
                yield
        finally:
            self._writer.close()
