"""Opens files of a directory and of nothing else, whatever names and links say.

A pod that may write to the node's /var/log could put a link there to any file of the node; who may read logs must not
read that. What has been opened is looked at, not the name: a name may mean something else a moment later.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class Outside(OSError):
    """The name leads out of the directory, or to what is neither a file nor a directory."""


def open_beneath(root: Path, name: str) -> int:
    """Return a descriptor, for reading, of a regular file or directory below `root`. Raises Outside, OSError.

    Links are followed as long as they stay below `root`.
    """
    if "\0" in name:
        raise Outside(f"no such name: {name!r}")
    # Not to wait for a writer where there is a pipe instead of a file.
    descriptor = os.open(root / name.lstrip("/"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        real, top = str(Path(f"/proc/self/fd/{descriptor}").readlink()), str(root.resolve())
        mode = os.fstat(descriptor).st_mode
        if real != top and not real.startswith(top.rstrip("/") + "/"):
            raise Outside(f"{name} is not in {root}")
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise Outside(f"{name} is neither a file nor a directory")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
