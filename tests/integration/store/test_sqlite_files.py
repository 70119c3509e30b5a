"""What the SQLite store promises beyond the contract: its file, its locks, and what survives."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from controlplane.kit.clock import ManualClock
from controlplane.store.compaction import CompactionPolicy
from controlplane.store.errors import ForeignFile, StoreCorrupt, StoreFull, StoreLocked
from controlplane.store.interface import Compacted, StoreError
from controlplane.store.sqlite import SqliteStore, compacting

WRITER = """
import asyncio, sys
from controlplane.kit.clock import SystemClock
from controlplane.store.sqlite import SqliteStore

async def write(store, name):
    n = 0
    while True:
        revision = await store.put(f"/{name}/{n}", b"v%d" % n, expected=0)
        sys.stdout.write(f"/{name}/{n} {revision}\\n")
        sys.stdout.flush()
        n += 1

async def main():
    async with SqliteStore.open(sys.argv[1], SystemClock()) as store:
        await asyncio.gather(*(write(store, name) for name in "abcdefgh"))

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.db"


def test_kill_9_loses_no_acknowledged_write(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().split() for _ in range(2000)]
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.stdout.read().splitlines(keepends=True)
    acknowledged += [line.split() for line in rest if line.endswith("\n")]
    writer.stdout.close()
    writer.wait()

    with sqlite3.connect(path) as connection:
        kept = dict(connection.execute("SELECT key, position >> 20 FROM history"))
    connection.close()
    assert {key: int(revision) for key, revision in acknowledged}.items() <= kept.items()
    assert sorted(kept.values()) == list(range(2, len(kept) + 2)), "every revision once, no gap"


async def test_a_restart_continues_where_it_stopped(path: Path) -> None:
    clock = ManualClock()
    async with SqliteStore.open(path, clock) as store:
        await store.put("/a", b"1", expected=0)
        await store.put("/a", b"2", expected=2)
        await store.put("/b", b"1", expected=0)
        await store.delete("/b", expected=4)
        await store.compact(3)
    async with SqliteStore.open(path, clock) as store:
        assert await store.revision() == 5
        assert [record.key for record in (await store.list("")).records] == ["/a"]
        with pytest.raises(Compacted):
            await store.list("", revision=2)
        async with aclosing(store.watch("", after=3)) as watch:
            assert [event.revision for event in await anext(watch)] == [4, 5]
        assert await store.put("/c", b"", expected=0) == 6


async def test_revisions_go_on_when_the_newest_writes_were_compacted_away(path: Path) -> None:
    async with SqliteStore.open(path, ManualClock()) as store:
        await store.put("/a", b"1", expected=0)
        await store.delete("/a", expected=None)
        await store.compact(3)
    async with SqliteStore.open(path, ManualClock()) as store:
        assert await store.put("/a", b"1", expected=0) == 4


async def test_a_deadline_survives_a_restart(path: Path) -> None:
    clock = ManualClock()
    async with SqliteStore.open(path, clock) as store:
        await store.put("/event", b"", expected=0, ttl=60)
    await clock.advance(61)
    async with SqliteStore.open(path, clock) as store, aclosing(store.watch("", after=2)) as watch:
        assert [(event.key, event.value) for event in await anext(watch)] == [("/event", None)]


async def test_an_interrupted_compaction_is_finished_by_the_next(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "STEP", 10)
    async with SqliteStore.open(path, ManualClock()) as store:
        for n in range(100):
            await store.put("/a", b"%d" % n, expected=None)
        with monkeypatch.context() as failing:
            failing.setattr(compacting, "sweep", _sweep_until(20))
            with pytest.raises(StoreFull):
                await store.compact(50)
        with pytest.raises(Compacted):
            await store.list("", revision=49)
    async with SqliteStore.open(path, ManualClock()) as store:
        await store.compact(101)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM history").fetchone() == (1,)
    connection.close()


async def test_compaction_gives_the_disk_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "SPARE_PAGES", 10)
    async with SqliteStore.open(path, ManualClock()) as store:
        for _ in range(300):
            await store.put("/a", b"x" * 10_000, expected=None)
        await store.compact(301)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone() == (10,)
    connection.close()
    assert path.stat().st_size < 200_000


def _sweep_until(limit: int) -> Callable[..., None]:
    sweep = compacting.sweep

    def limited(connection: sqlite3.Connection, after: int, until: int) -> None:
        if until > limit:
            raise StoreFull("no room")
        sweep(connection, after, until)

    return limited


async def test_nobody_else_can_read_the_store(path: Path) -> None:
    async with SqliteStore.open(path, ManualClock()) as store:
        await store.put("/secret", b"", expected=0)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


async def test_a_second_opener_is_refused(path: Path) -> None:
    async with SqliteStore.open(path, ManualClock()):
        with pytest.raises(StoreLocked, match="another process has this store open"):
            async with SqliteStore.open(path, ManualClock()):
                pass
    async with SqliteStore.open(path, ManualClock()):
        pass


def _foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()


def _text(path: Path) -> None:
    path.write_text("these are notes, and rather more of them than a header is long\n" * 10)


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE anything (x)")
        connection.execute(f"PRAGMA application_id = {0x534D504E}")
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(_foreign_database, "this is not a Sampan store", id="another program's database"),
        pytest.param(_text, "this is not a Sampan store", id="no database"),
        pytest.param(_newer, "the store has format 99, this version of Sampan reads format 2", id="newer"),
    ],
)
async def test_a_file_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "file.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(ForeignFile, match=message):
        async with SqliteStore.open(path, ManualClock()):
            pass
    assert path.read_bytes() == before


async def test_a_torn_file_is_called_corrupt(path: Path) -> None:
    async with SqliteStore.open(path, ManualClock()) as store:
        for n in range(300):
            await store.put(f"/{n}", b"x" * 2000, expected=0)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(200 * 1024))
    with pytest.raises(StoreCorrupt, match="the database is corrupt; restore a backup"):
        async with SqliteStore.open(path, ManualClock()):
            pass


async def test_a_full_disk_refuses_writes_and_recovers(path: Path) -> None:
    async with SqliteStore.open(path, ManualClock()) as store:
        await store.put("/a", b"1", expected=0)
        (pages,) = await store._threads.writer.run(lambda c: c.execute("PRAGMA page_count").fetchone())
        await store._threads.writer.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())
        with pytest.raises(StoreFull, match="the disk is full"):
            await store.put("/b", b"x" * 1_000_000, expected=0)
        assert await store.revision() == 2
        await store._threads.writer.run(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
        assert await store.put("/b", b"x" * 1_000_000, expected=0) == 3


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        async with SqliteStore.open(tmp_path / "file" / "store.db", ManualClock()):
            pass


FORMAT_1 = """
CREATE TABLE history (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, create_revision INTEGER NOT NULL,
    previous INTEGER NOT NULL, expires REAL, value BLOB);
CREATE INDEX history_by_key ON history (key, revision, create_revision);
CREATE INDEX history_by_expiry ON history (expires) WHERE expires IS NOT NULL;
CREATE TABLE state (compacted INTEGER NOT NULL, swept INTEGER NOT NULL, revision INTEGER NOT NULL);
INSERT INTO state VALUES (2, 2, 1);
INSERT INTO history VALUES (2, '/a', 2, 0, NULL, x'31'), (3, '/a', 2, 2, NULL, x'32'), (4, '/b', 4, 0, 99e9, x'33'),
    (5, '/c', 5, 0, NULL, x''), (6, '/c', 0, 5, NULL, NULL);
PRAGMA application_id = 0x534D504E;
PRAGMA user_version = 1;
"""


async def test_a_store_of_format_1_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    connection = sqlite3.connect(path)
    connection.executescript(FORMAT_1)
    connection.close()
    for _ in range(2):  # and stays what it became
        async with SqliteStore.open(path, ManualClock(), compaction=None) as store:
            assert await store.revision() == 6
            records = (await store.list("")).records
            assert [(r.key, r.value, r.create_revision, r.revision, r.version) for r in records] == [
                ("/a", b"2", 2, 3, 2),
                ("/b", b"3", 4, 4, 1),
            ]
            async with aclosing(store.watch("", after=2)) as watch:
                events = await anext(watch)
            assert [(e.key, e.value, e.revision, e.previous) for e in events] == [
                ("/a", b"2", 3, b"1"),
                ("/b", b"3", 4, None),
                ("/c", b"", 5, None),
                ("/c", None, 6, b""),
            ]
            assert await store.deadlines() == {"/b": 99e9}


async def test_a_write_waits_for_a_step_of_a_compaction_and_not_for_its_end(path: Path) -> None:
    async with SqliteStore.open(path, ManualClock(), compaction=None) as store:
        await asyncio.gather(*(store.put("/a", b"x" * 500, expected=None) for _ in range(5000)))
        compaction = asyncio.ensure_future(store.compact(5001))
        await asyncio.sleep(0)
        for n in range(10):
            await store.put(f"/{n}", b"", expected=0)
        assert not compaction.done()
        await compaction


async def test_heartbeats_leave_no_more_history_than_is_kept(path: Path) -> None:
    """Fifty nodes renew their leases every ten seconds, for an hour."""
    clock, nodes = ManualClock(), 50
    async with SqliteStore.open(path, clock, CompactionPolicy(interval=300, keep=300)) as store:
        for _ in range(360):
            writes = (store.put(f"/registry/leases/{n}", b"x" * 400, expected=None) for n in range(nodes))
            await asyncio.gather(*writes)
            await clock.advance(10)
        compacted = await store.compacted()
        assert compacted >= await store.revision() - nodes * 61, "ten minutes of renewals are kept, of an hour"
        await store.compact(compacted)  # returns when the compactor's own sweep is done
        rows = await store._threads.reader.run(lambda c: c.execute("SELECT count(*) FROM history").fetchone()[0])
    assert rows <= nodes * (61 + 1)
    assert path.stat().st_size < 8_000_000
