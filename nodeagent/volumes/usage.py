"""How much of the node a volume has taken."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_BLOCK = 512  # bytes: the unit of st_blocks, whatever the file system's own is


def used_bytes(directory: Path) -> int:
    """Return the bytes that files below a directory occupy, in blocks as du(1) counts them.

    A file with several names counts once, holes do not count, and other file systems below are not looked into. Files
    that go away meanwhile are let go. Raises FileNotFoundError if the directory itself is not there.
    """
    root = directory.lstat()
    total, seen = root.st_blocks * _BLOCK, {(root.st_dev, root.st_ino)}
    pending = [directory]
    while pending:
        with contextlib.suppress(FileNotFoundError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    if found.st_dev != root.st_dev or (found.st_dev, found.st_ino) in seen:
                        continue
                    seen.add((found.st_dev, found.st_ino))
                    total += found.st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
    return total
