"""Reads the buckets of a bbolt file."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import BinaryIO

from controlplane.store.errors import ForeignFile
from controlplane.store.etcd.snapshot import layout

_DEPTH = 32  # no tree is higher; a damaged one may run in circles


class BoltReader:
    """A file, and its current tree of buckets. Whatever is asked may raise ForeignFile."""

    def __init__(self, file: BinaryIO, name: str):
        self._name = name
        try:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise self._damaged("it is empty") from error
        self._page_size, self._root = self._current()

    def bucket(self, name: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield the elements of a bucket, in order of keys; none if there is no such bucket."""
        try:
            for flags, key, value in self._elements(self._root * self._page_size, 0):
                if flags & layout.IS_BUCKET and key == name.encode():
                    root, _ = layout.BUCKET.unpack_from(value)
                    source = self._data if root else value
                    start = root * self._page_size if root else layout.BUCKET.size
                    yield from ((key, value) for _, key, value in self._elements(start, 0, source))
                    return
        except struct.error as error:
            raise self._damaged("it ends too early") from error

    def _current(self) -> tuple[int, int]:
        """Return the page size and the root page of the newest tree that was written whole."""
        found = []
        for start in (0, *(1 << bits for bits in range(9, 17))):  # the second meta page stands behind a page
            body = self._data[start + layout.PAGE.size : start + layout.PAGE.size + layout.META_BODY.size]
            after = start + layout.PAGE.size + layout.META_BODY.size
            if len(body) < layout.META_BODY.size or len(self._data) < after + layout.CHECKSUM.size:
                continue
            magic, version, page_size, _, root, _, _, _, transaction = layout.META_BODY.unpack(body)
            (checksum,) = layout.CHECKSUM.unpack_from(self._data, after)
            if (magic, version) == (layout.MAGIC, layout.VERSION) and checksum == layout.fnv1a(body):
                found.append((transaction, page_size, root))
        if not found:
            raise self._damaged("it has no valid meta page")
        _, page_size, root = max(found)
        return page_size, root

    def _elements(
        self, start: int, depth: int, source: bytes | mmap.mmap | None = None
    ) -> Iterator[tuple[int, bytes, bytes]]:
        data = self._data if source is None else source
        _, kind, count, _ = layout.PAGE.unpack_from(data, start)
        first = start + layout.PAGE.size
        if kind == layout.LEAF:
            for at in range(first, first + count * layout.LEAF_ELEMENT.size, layout.LEAF_ELEMENT.size):
                flags, position, key_length, value_length = layout.LEAF_ELEMENT.unpack_from(data, at)
                key_at = at + position
                value_at = key_at + key_length
                yield flags, data[key_at:value_at], data[value_at : value_at + value_length]
        elif kind == layout.BRANCH and depth < _DEPTH:
            for at in range(first, first + count * layout.BRANCH_ELEMENT.size, layout.BRANCH_ELEMENT.size):
                _, _, page = layout.BRANCH_ELEMENT.unpack_from(data, at)
                yield from self._elements(page * self._page_size, depth + 1)
        else:
            raise self._damaged(f"at {start} there is no page of a tree")

    def _damaged(self, why: str) -> ForeignFile:
        return ForeignFile(f"{self._name}: this is no etcd snapshot, or a damaged one: {why}")
