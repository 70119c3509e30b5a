"""Files with secrets in them: written whole or not at all, and never readable by others for a moment."""

from __future__ import annotations

import os
from pathlib import Path

from controlplane.kit.explained import Explained
from controlplane.pki.issue import Pair, load_pair

SECRET, PUBLIC = 0o600, 0o644


class FileError(Explained):
    """A file of the cluster cannot be read or written; the message says which and why."""


def write(path: Path, content: bytes | str, mode: int = PUBLIC) -> None:
    """Replace a file. After a crash it is the old one or the new one. Raises FileError."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # whatever the umask
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Make a folder and its parents. Raises FileError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
    except OSError as error:
        raise FileError(f"cannot make {path}: {error.strerror}") from error


def read(path: Path) -> bytes:
    """Return a file's content. Raises FileError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error


def read_pair(folder: Path, name: str) -> Pair:
    """Return `<name>.crt` and `<name>.key`. Raises FileError."""
    try:
        return load_pair(read(folder / f"{name}.crt"), read(folder / f"{name}.key"))
    except ValueError as error:
        raise FileError(f"{folder / name}.crt and .key cannot be used: {error}") from error


def write_pair(folder: Path, name: str, pair: Pair) -> None:
    """Write `<name>.key`, then `<name>.crt`: whoever sees the certificate finds its key."""
    write(folder / f"{name}.key", pair.key_pem, SECRET)
    write(folder / f"{name}.crt", pair.certificate_pem, PUBLIC)
