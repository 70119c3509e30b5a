"""Taking a volume's directory away. What is behind a mount is never deleted with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from nodeagent.kernel import mounts


def unmount_all(directory: Path) -> None:
    """Unmount what is mounted at or below a directory. Raises OSError."""
    for mounted in mounts.mounted_below(directory):
        mounts.unmount(mounted)
    left = mounts.mounted_below(directory)
    if left:
        raise OSError(f"{left[0]} is still mounted")


def delete(directory: Path) -> None:
    """Delete a directory that was the pod's own. Raises OSError."""
    unmount_all(directory)
    if directory.is_dir():
        shutil.rmtree(directory)


def release(directory: Path) -> None:
    """Let go of a volume that outlives the pod: its mount point is empty, or it is not touched. Raises OSError."""
    unmount_all(directory)
    if directory.is_dir():
        directory.rmdir()
