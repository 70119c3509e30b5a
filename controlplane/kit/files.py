"""Files that are replaced in one step, so that nobody ever reads half of one."""

from __future__ import annotations

from pathlib import Path


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put `content` at `path` with `mode`, making the directories on the way. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.chmod(mode)
    draft.replace(path)


def modified(file: Path | None) -> int:
    """Return what changes whenever the file is replaced, in ns; 0 for no file, -1 for one that cannot be seen."""
    try:
        return file.stat().st_mtime_ns if file is not None else 0
    except OSError:
        return -1
