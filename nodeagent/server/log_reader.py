"""Reads a container's log file, and goes on reading while it grows, through rotation, until the container ends."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within
from nodeagent.kernel.inotify import FILE, Inotify
from nodeagent.pods.logs import MalformedLog, parse_entry, tail_offset
from nodeagent.server.beneath import Outside, open_beneath
from nodeagent.server.log_options import LogOptions, Renderer
from nodeagent.server.log_search import since_offset

_BLOCK = 256 * 1024  # bytes read and sent at once
# For what inotify does not tell: the end of the container, and a file that takes its place by rotation.
_LOOK_SECONDS = 1.0
_LONGEST = 1024 * 1024  # bytes of what may be an entry: the runtime breaks lines at 16 KiB


class _LogFile:
    """An open log file, read entry by entry."""

    def __init__(self, path: Path, root: Path):
        """Raises FileNotFoundError, Outside for what is no file below `root`."""
        self._file = os.fdopen(open_beneath(root, str(path.relative_to(root))), "rb")
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.close()
            raise Outside(f"{path} is no file")
        self._rest = b""
        self.inode = os.fstat(self._file.fileno()).st_ino

    def begin(self, options: LogOptions) -> None:
        """Go to where the part that is asked for begins; blocks. Raises OSError."""
        offset = 0
        if options.since is not None:
            offset = since_offset(self._file, options.since)
        if options.tail_lines is not None:
            here = Path(f"/proc/self/fd/{self._file.fileno()}")  # this very file, whatever its name means by now
            offset = max(offset, tail_offset(here, options.tail_lines))
        self._file.seek(offset)

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
        if len(self._rest) > _LONGEST:
            self._rest = b""  # no entry is that long: what is here is no log, and need not fit into memory
        return b"".join(shown), len(block) == _BLOCK

    def close(self) -> None:
        self._file.close()


async def read_log(
    path: Path, options: LogOptions, *, root: Path, ended: Callable[[], bool], inotify: Inotify, clock: Clock
) -> AsyncIterator[bytes]:
    """Yield the log as asked for; with `follow`, until the container has `ended`.

    Raises FileNotFoundError, and Outside if what is there is no file below `root`.
    """
    renderer = Renderer(options)
    log = _LogFile(path, root)
    try:
        await asyncio.to_thread(log.begin, options)
        while True:
            over = not options.follow or ended()  # asked before reading: what is written until then is read below
            async for data in _drain(log, renderer):
                yield data
            if renderer.full:
                return
            successor = _rotated(path, root, log)
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


def _rotated(path: Path, root: Path, log: _LogFile) -> _LogFile | None:
    """Return the file that has taken the place of the one we read, if one has."""
    try:
        if path.stat().st_ino != log.inode:
            return _LogFile(path, root)
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
