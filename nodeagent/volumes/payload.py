"""The files of a volume, before they are on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

from controlplane.api.core_v1 import KeyToPath
from nodeagent.volumes.errors import VolumeFailed

DEFAULT_MODE = 0o644


@dataclass(frozen=True, slots=True)
class File:
    """A file's contents and permissions; `owner` None leaves it to root."""

    data: bytes
    mode: int = DEFAULT_MODE
    owner: int | None = None


Payload: TypeAlias = Mapping[str, File]
"""Files by their path relative to the volume."""


def mode_of(default: int | None) -> int:
    """Return the mode of a volume's files that say nothing else."""
    return DEFAULT_MODE if default is None else default


def pick(data: Mapping[str, bytes], items: Iterable[KeyToPath], default_mode: int, *, missing: str | None) -> Payload:
    """Return the files of an object's data: all of it, or the `items` at their paths.

    A key that is not there fails with the sentence `missing` (None: the object is optional, and so is the key).
    """
    chosen = list(items)
    if not chosen:
        return {checked(key): File(value, default_mode) for key, value in data.items()}
    files = {}
    for item in chosen:
        if item.key in data:
            mode = default_mode if item.mode is None else item.mode
            files[checked(item.path)] = File(data[item.key], mode)
        elif missing is not None:
            raise VolumeFailed(f"{missing}: {item.key}")
    return files


def checked(path: str) -> str:
    """Return `path` if it stays inside the volume; the API server refuses others too. Raises VolumeFailed."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or path.startswith(".."):
        raise VolumeFailed(f"invalid path: {path!r} must be relative and must not contain '..'")
    return path
