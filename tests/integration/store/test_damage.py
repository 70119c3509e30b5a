"""A damaged file, a full disk: what still works, and what is said."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.kit.clock import ManualClock
from controlplane.store.errors import StoreCorrupt, StoreFull
from controlplane.store.interface import Compacted
from controlplane.store.sqlite import SqliteStore
from controlplane.store.sqlite.salvage import open_damaged, salvage

PAGE = 4096
KEYS = [f"/registry/pods/default/{n:03}" for n in range(300)]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store of 300 objects, one of them written again and one deleted, at revision 303."""
    path = tmp_path / "store.db"
    async with SqliteStore.open(path, ManualClock(), compaction=None) as store:
        for key in KEYS:
            await store.put(key, key.encode() * 50, expected=0)
        await store.put(KEYS[0], b"again", expected=None)
        await store.delete(KEYS[1], expected=None)
    return path


def pages_of(path: Path, name: str, kind: str) -> list[int]:
    """The pages of a table or an index that are of a kind: leaf, internal, overflow."""
    connection = sqlite3.connect(path)
    try:
        sql = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY pageno"
        return [page for (page,) in connection.execute(sql, (name, kind))]
    except sqlite3.OperationalError:
        # Without dbstat: a leaf of a table begins with 13, one of an index with 10.
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        first = {"leaf": 13 if name == "history" else 10, "internal": 5 if name == "history" else 2}[kind]
        data = path.read_bytes()
        pages = [n // PAGE + 1 for n in range(PAGE, len(data), PAGE) if data[n] == first]
        return [page for page in pages if page != root]
    finally:
        connection.close()


def tear(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(os.urandom(PAGE))


async def test_a_torn_page_of_values(path: Path) -> None:
    leaves = pages_of(path, "history", "leaf")
    tear(path, leaves[len(leaves) // 2])
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="restore a backup"):
        async with SqliteStore.open(path, ManualClock()):
            pass
    async with open_damaged(path, ManualClock()) as store:
        lost = salvage(path).lost
        assert 1 <= len(lost) < 20 and set(lost) < set(KEYS)
        page = await store.list("")
        assert {record.key for record in page.records} == set(KEYS) - {KEYS[1]} - set(lost)
        first = await store.get(KEYS[0])
        assert first is not None and (first.value, first.revision, first.version) == (b"again", 302, 2)
        assert await store.revision() == 303
        with pytest.raises(Compacted):
            await store.list("", revision=302)
        for write in (store.put("/new", b"", expected=0), store.delete(KEYS[0], expected=None), store.compact(303)):
            with pytest.raises(StoreCorrupt, match=f"nothing can be written.*lost: {lost[0]}"):
                await write
    assert path.read_bytes() == before, "evidence is not touched"


async def test_a_torn_page_of_the_index(path: Path) -> None:
    leaves = pages_of(path, "history_by_key", "leaf")
    tear(path, leaves[len(leaves) // 2])
    async with open_damaged(path, ManualClock()) as store:
        assert {record.key for record in (await store.list("")).records} == set(KEYS) - {KEYS[1]}


async def test_a_file_that_is_cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // PAGE * PAGE)
    async with open_damaged(path, ManualClock()) as store:
        assert (await store.list("")).records
        assert "is damaged" in store.reason


async def test_nothing_left_to_read(path: Path) -> None:
    for page in range(1, path.stat().st_size // PAGE + 1):
        tear(path, page)
    with pytest.raises(StoreCorrupt, match="corrupt beyond reading"):
        async with open_damaged(path, ManualClock()):
            pass


async def test_damage_found_while_running_ends_the_writes(path: Path) -> None:
    async with SqliteStore.open(path, ManualClock(), compaction=None) as store:
        store._values._budget = 0
        tear_all = pages_of(path, "history", "leaf")
        await store._threads.writer.run(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        for connection in (store._threads.writer, store._threads.reader):
            await connection.run(lambda c: c.execute("PRAGMA cache_size = 0").fetchall())
        for page in tear_all:
            tear(path, page)
        with pytest.raises(StoreCorrupt):
            await store.put(KEYS[5], b"new", expected=None)
        with pytest.raises(StoreCorrupt, match="restore a backup"):
            await store.put("/elsewhere", b"new", expected=0)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.root
async def test_a_full_disk(small_disk: Path) -> None:
    clock = ManualClock()
    async with SqliteStore.open(small_disk / "store.db", clock, compaction=None) as store:
        written = 0
        with pytest.raises(StoreFull, match="the disk is full"):
            while True:
                await store.put(f"/{written}", b"x" * 50_000, expected=0)
                written += 1
        assert written > 5
        assert len((await store.list("")).records) == written, "what was acknowledged is there"
        with pytest.raises(StoreFull):
            await store.put("/more", b"x" * 50_000, expected=0)
        mount("-o", "remount,size=8m", str(small_disk))
        assert await store.put("/more", b"x" * 50_000, expected=0) == written + 2
    async with SqliteStore.open(small_disk / "store.db", clock, compaction=None) as store:
        assert len((await store.list("")).records) == written + 1
