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
    if current is not None and _holds(current, payload, group):
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


def _holds(generation: Path, payload: Payload, group: int | None) -> bool:
    """Whether the files are those of the payload: their bytes, and whom they are for."""
    if not generation.is_dir():
        return False
    entries = [generation, *generation.rglob("*")]
    there = {str(path.relative_to(generation)) for path in entries if not path.is_dir()}
    return (
        there == set(payload)
        and all((generation / path).read_bytes() == file.data for path, file in payload.items())
        and all(_access(generation / path) == _wanted(file, group) for path, file in payload.items())
        and all(_access(path) == _wanted_directory(group) for path in entries if path.is_dir())
    )


_Access = tuple[int, int, int]  # mode, owner, group


def _access(path: Path) -> _Access:
    found = path.lstat()
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid


def _wanted(file: File, group: int | None) -> _Access:
    owner = os.geteuid() if file.owner is None else file.owner
    if group is None:
        return file.mode, owner, os.getegid()
    return file.mode | 0o440, owner, group  # the group that asked for the volume can read it


def _wanted_directory(group: int | None) -> _Access:
    if group is None:
        return 0o755, os.geteuid(), os.getegid()
    return 0o755 | stat.S_ISGID, os.geteuid(), group


def _write_files(root: Path, payload: Payload, group: int | None) -> None:
    root.mkdir(mode=0o700)  # nobody looks in before each file has its own mode
    for path, file in payload.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        _open_to(target, _wanted(file, group))
    for directory in [*(path for path in root.rglob("*") if path.is_dir()), root]:
        _open_to(directory, _wanted_directory(group))


def _open_to(path: Path, access: _Access) -> None:
    mode, owner, group = access
    if _access(path)[1:] != (owner, group):
        os.chown(path, owner, group)
    path.chmod(mode)


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
