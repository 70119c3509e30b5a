"""Snapshots: what is written is what is read, and what is damaged is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.store.errors import ForeignFile
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.snapshot import layout
from controlplane.store.etcd.snapshot.content import Spool, load
from controlplane.store.etcd.snapshot.reader import BoltReader
from controlplane.store.etcd.snapshot.writer import BoltWriter, small_bucket


def a_record(key: str, revision: int, value: bytes = b"", lease: int = 0) -> pb.KeyValue:
    return pb.KeyValue(key=key.encode(), value=value, create_revision=1, mod_revision=revision, version=3, lease=lease)


def snapshot(path: Path, records: list[pb.KeyValue], revision: int, leases: dict[int, int] | None = None) -> Path:
    spool = Spool()
    spool.add(records, leases or {})
    with spool.write(revision) as file:
        path.write_bytes(file.read())
    return path


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.tuples(st.integers(2, 50), st.binary(max_size=9000)), max_size=30))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, state: dict[str, tuple[int, bytes]]) -> None:
    records = [a_record(key, revision, value) for key, (revision, value) in sorted(state.items())]
    found = load(snapshot(tmp_path_factory.mktemp("s") / "s.db", records, 60))
    assert (list(found.records), found.revision) == (records, 60)


def test_a_tree_of_several_floors(tmp_path: Path) -> None:
    elements = [(b"%08d" % n, b"value %d" % n) for n in range(30_000)]
    with (tmp_path / "file").open("w+b") as file:
        writer = BoltWriter(file)
        big = writer.bucket(iter(elements))
        writer.finish({"big": big, "small": small_bucket([(b"a", b"1"), (b"b", b"2")]), "none": small_bucket([])})
        file.flush()
        reader = BoltReader(file, "file")
        assert list(reader.bucket("big")) == elements
        assert list(reader.bucket("small")) == [(b"a", b"1"), (b"b", b"2")]
        assert list(reader.bucket("none")) == list(reader.bucket("missing")) == []


def test_leases_that_are_named_are_kept(tmp_path: Path) -> None:
    records = [a_record("/a", 2, lease=7), a_record("/b", 3)]
    assert load(snapshot(tmp_path / "s", records, 3, {7: 60, 8: 60})).leases == {7: 60}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda data: b"", "it is empty", id="empty"),
        pytest.param(lambda data: b"notes " * 4000, "no valid meta page", id="something else"),
        pytest.param(
            lambda data: data[:20_480],
            "a record of this snapshot|ends too early|no page of a tree|a damaged one",
            id="cut",
        ),
        pytest.param(
            lambda data: data[:20_000] + b"!" + data[20_001:], "its checksum does not match", id="a bit turned"
        ),
    ],
)
def test_damage_is_told(tmp_path: Path, damage: object, message: str) -> None:
    path = snapshot(tmp_path / "s", [a_record(f"/{n:02}", n + 2, b"x" * 1000) for n in range(40)], 60)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ForeignFile, match=message):
        load(path)


def test_the_checksum_of_a_meta_page() -> None:
    assert layout.fnv1a(b"") == 0xCBF29CE484222325
    assert layout.fnv1a(b"foobar") == 0x85944171F73967E8  # of the reference test vectors
