"""Reads a container's log file, and goes on reading while it grows, through rotation, until the container ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within
from nodeagent.kernel.inotify import FILE, Inotify
from nodeagent.pods.logs import MalformedLog, parse_entry, tail_offset
from nodeagent.server.log_options import LogOptions, Renderer

_BLOCK = 256 * 1024  # bytes read and sent at once
# For what inotify does not tell: the end of the container, and a file that takes its place by rotation.
_LOOK_SECONDS = 1.0


class _LogFile:
    """An open log file, read entry by entry."""

    def __init__(self, path: Path, offset: int = 0):
        self._file = path.open("rb")
        self._file.seek(offset)
        self._rest = b""
        self.inode = os.fstat(self._file.fileno()).st_ino

    def read(self, renderer: Renderer) -> tuple[bytes, bool]:
        """Return what has been written since, rendered, and whether there is more to read now."""
        block = self._file.read(_BLOCK)
        *lines, self._rest = (self._rest + block).split(b"\n")
        shown = []
        for line in lines:
            try:
                shown.append(renderer.render(parse_entry(line + b"\n")))
            except MalformedLog:
                continue
        return b"".join(shown), len(block) == _BLOCK

    def close(self) -> None:
        self._file.close()


async def read_log(
    path: Path, options: LogOptions, *, ended: Callable[[], bool], inotify: Inotify, clock: Clock
) -> AsyncIterator[bytes]:
    """Yield the log as asked for; with `follow`, until the container has `ended`. Raises FileNotFoundError."""
    offset = tail_offset(path, options.tail_lines) if options.tail_lines is not None else 0
    renderer = Renderer(options)
    log = _LogFile(path, offset)
    try:
        while True:
            over = not options.follow or ended()  # asked before reading: what is written until then is read below
            async for data in _drain(log, renderer):
                yield data
            if renderer.full:
                return
            successor = _rotated(path, log)
            if successor is not None:
                log.close()
                log = successor
                continue
            if over:
                return
            await _grown(path, inotify, clock)
    finally:
        log.close()


async def _drain(log: _LogFile, renderer: Renderer) -> AsyncIterator[bytes]:
    more = True
    while more and not renderer.full:
        data, more = log.read(renderer)
        if data:
            yield data
        await asyncio.sleep(0)  # a long log must not hold up everybody else


def _rotated(path: Path, log: _LogFile) -> _LogFile | None:
    """Return the file that has taken the place of the one we read, if one has."""
    try:
        if path.stat().st_ino != log.inode:
            return _LogFile(path)
    except FileNotFoundError:
        pass  # renamed a moment ago; the new one comes when the runtime opens it
    return None


async def _grown(path: Path, inotify: Inotify, clock: Clock) -> None:
    changed = asyncio.Event()
    try:
        with inotify.watching(path, FILE, changed.set):
            await happens_within(changed, _LOOK_SECONDS, clock)
    except OSError:
        await clock.sleep(_LOOK_SECONDS)  # between rotation and reopening there is no file
