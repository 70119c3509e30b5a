"""What directories take, counted as du(1) does."""

from __future__ import annotations

import os
from pathlib import Path

from nodeagent.kernel.disk_usage import taken_below


def used(directory: Path) -> int:
    taken = taken_below(directory)
    assert taken is not None
    return taken.used


def test_what_is_there_is_counted_once(tmp_path: Path) -> None:
    empty = used(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_bytes(os.urandom(1 << 16))
    os.link(tmp_path / "below" / "file", tmp_path / "again")
    (tmp_path / "link").symlink_to("/usr")
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 30)
    taken = used(tmp_path) - empty
    assert 1 << 16 <= taken <= (1 << 16) + (1 << 15)  # the file, and what directories take
