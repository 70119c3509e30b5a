"""Writes a payload so that readers see the old files or the new ones, never some of each."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from nodeagent.volumes.payload import File, Payload

_DATA = "..data"
_NEXT = "..data_tmp"


def write(directory: Path, payload: Payload, *, stamp: str, group: int | None = None) -> bool:
    """Make `directory` hold exactly `payload`; return whether anything changed. Raises OSError.

    `stamp` names the new generation of files and must differ from the last one's.
    """
    current = _generation(directory)
    if current is not None and _holds(current, payload):
        return False
    fresh = directory / f"..{stamp}"
    _write_files(fresh, payload, group)
    (directory / _NEXT).unlink(missing_ok=True)
    (directory / _NEXT).symlink_to(fresh.name)
    (directory / _NEXT).rename(directory / _DATA)
    _link(directory, payload)
    if current is not None and current.is_dir():
        shutil.rmtree(current)
    return True


def _generation(directory: Path) -> Path | None:
    link = directory / _DATA
    return directory / link.readlink() if link.is_symlink() else None


def _holds(generation: Path, payload: Payload) -> bool:
    if not generation.is_dir():
        return False
    there = {str(path.relative_to(generation)) for path in generation.rglob("*") if not path.is_dir()}
    return there == set(payload) and all(
        (generation / path).read_bytes() == file.data for path, file in payload.items()
    )


def _write_files(root: Path, payload: Payload, group: int | None) -> None:
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    for path, file in payload.items():
        target = root / path
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _write_file(target, file, group)
    if group is not None:
        for directory in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            os.chown(directory, -1, group)
            directory.chmod(stat.S_IMODE(directory.stat().st_mode) | stat.S_ISGID | 0o050)


def _write_file(target: Path, file: File, group: int | None) -> None:
    target.write_bytes(file.data)
    mode = file.mode
    if file.owner is not None or group is not None:
        os.chown(target, -1 if file.owner is None else file.owner, -1 if group is None else group)
    if group is not None:
        mode |= 0o440  # the group that asked for the volume can read it
    target.chmod(mode)


def _link(directory: Path, payload: Payload) -> None:
    """Let each first path element lead through ..data, and drop the links whose files are gone."""
    wanted = {path.split("/")[0] for path in payload}
    for name in wanted:
        link = directory / name
        if not link.is_symlink():
            link.symlink_to(f"{_DATA}/{name}")
    for entry in directory.iterdir():
        if entry.is_symlink() and entry.name not in wanted and not entry.name.startswith(".."):
            entry.unlink()
