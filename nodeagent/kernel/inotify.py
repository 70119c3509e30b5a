"""Being told that files change: inotify(7), one instance for the whole process.

Instances are few (fs.inotify.max_user_instances, 128, shared by every machine on the host), watches are plenty.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_NONBLOCK_CLOEXEC = 0o2004000  # IN_NONBLOCK | IN_CLOEXEC
_MODIFY, _CLOSE_WRITE = 0x2, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE, _MOVE_SELF = 0x40, 0x80, 0x100, 0x200, 0x800

FILE = _MODIFY | _MOVE_SELF
DIRECTORY = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE

_HEADER = struct.Struct("iIII")


class Inotify:
    """Watches paths; callbacks run in the event loop."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._callbacks: dict[int, list[Callable[[], None]]] = {}

    @contextmanager
    def watching(self, path: Path, mask: int, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` at every change of `path`, until the block ends. Raises OSError."""
        watch = _libc.inotify_add_watch(self._open(), os.fsencode(path), mask)
        if watch < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"inotify: {os.strerror(number)}", str(path))
        # Two watches of one file share the kernel's number, so each number has a list of callbacks.
        self._callbacks.setdefault(watch, []).append(callback)
        try:
            yield
        finally:
            self._remove(watch, callback)

    def close(self) -> None:
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> int:
        if self._descriptor < 0:
            self._descriptor = _libc.inotify_init1(_NONBLOCK_CLOEXEC)
            if self._descriptor < 0:
                number = ctypes.get_errno()
                raise OSError(number, f"inotify: {os.strerror(number)}")
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        return self._descriptor

    def _remove(self, watch: int, callback: Callable[[], None]) -> None:
        callbacks = self._callbacks.get(watch, [])
        if callback in callbacks:
            callbacks.remove(callback)
        if not callbacks and self._callbacks.pop(watch, None) is not None and self._descriptor >= 0:
            _libc.inotify_rm_watch(self._descriptor, watch)  # fails if the file is gone, and its watch with it

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 64 * 1024)
        except BlockingIOError:
            return
        position, watches = 0, dict[int, None]()
        while position < len(data):
            watch, _mask, _cookie, length = _HEADER.unpack_from(data, position)
            position += _HEADER.size + length
            watches[watch] = None
        for watch in watches:
            for callback in list(self._callbacks.get(watch, ())):
                callback()
