"""fsGroup: a volume's files are given to the group that the pod's processes are members of.

    group 2000     rw-r--r-- root:root  ─►  rw-rw-r-- root:2000        rwxr-xr-x root:root  ─►  rwxrwsr-x root:2000

Directories pass the group on to what is made in them. Symbolic links are given, never followed.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

_ON_ROOT_MISMATCH = "OnRootMismatch"
_FILE, _DIRECTORY = 0o660, 0o660 | 0o110 | stat.S_ISGID


def give(root: Path, group: int, policy: str = "") -> None:
    """Give a volume to a group, with `policy` OnRootMismatch only if its root is not the group's. Raises OSError."""
    if policy == _ON_ROOT_MISMATCH and _is_given(root.lstat(), group):
        return
    for directory, names, files in os.walk(root, topdown=False, onerror=_raise):
        for name in [*names, *files]:
            _give(Path(directory, name), group)
    # The root last: as long as it does not look right, the work is not done, and is begun again after an interruption.
    _give(root, group)


def _is_given(found: os.stat_result, group: int) -> bool:
    return found.st_gid == group and found.st_mode & _DIRECTORY == _DIRECTORY


def _give(path: Path, group: int) -> None:
    found = path.lstat()
    os.chown(path, -1, group, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        return
    # chown(2) may take set-ID bits away, so the mode is set after it, from what it was before.
    wanted = stat.S_IMODE(found.st_mode) | (_DIRECTORY if stat.S_ISDIR(found.st_mode) else _FILE)
    path.chmod(wanted)


def _raise(error: OSError) -> None:
    raise error
