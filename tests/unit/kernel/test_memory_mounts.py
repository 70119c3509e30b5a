"""Memory is mounted so that it is never swapped out, by kernels that can promise it."""

from __future__ import annotations

import ctypes
import errno
from pathlib import Path

import pytest

from nodeagent.kernel import mounts


class Libc:
    """mount(2) of a kernel that knows some options."""

    def __init__(self, error: int, refused: bytes):
        self._error, self._refused = error, refused
        self.mounted: list[bytes] = []

    def mount(self, source: bytes, target: bytes, type_: bytes, flags: int, options: bytes) -> int:
        if self._refused in options:
            ctypes.set_errno(self._error)
            return -1
        self.mounted.append(options)
        return 0


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        pytest.param(Libc(errno.EINVAL, b"?"), [b"mode=755,size=9,noswap"], id="can"),
        pytest.param(Libc(errno.EINVAL, b"noswap"), [b"mode=755,size=9"], id="is older than that"),
    ],
)
def test_memory_is_not_swapped(kernel: Libc, expected: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "_libc", kernel)
    mounts.mount_tmpfs(Path("/x"), size=9)
    assert kernel.mounted == expected


def test_another_failure_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Libc(errno.EPERM, b"noswap")
    monkeypatch.setattr(mounts, "_libc", kernel)
    with pytest.raises(PermissionError):
        mounts.mount_tmpfs(Path("/x"))
    assert kernel.mounted == []
