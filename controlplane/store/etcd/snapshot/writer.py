"""Writes a bbolt file from front to back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

from controlplane.store.etcd.snapshot import layout

_Element = tuple[int, bytes, bytes]  # flags, key, value
_Child = tuple[bytes, int]  # the first key of a page, its number


class BoltWriter:
    """Appends pages to a file; the first two are written last."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._pages = 2
        self._file.write(bytes(2 * layout.PAGE_SIZE))
        self._free_list = self._page(layout.FREE_LIST, 0, b"")

    def bucket(self, elements: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Write a bucket of elements in the order of their keys; return what its parent says of it."""
        root = self._tree((0, key, value) for key, value in elements)
        return layout.BUCKET.pack(root, 0)

    def finish(self, buckets: Mapping[str, bytes]) -> None:
        """Write the tree of buckets, each as `bucket` or `small_bucket` returned it, and what leads to it."""
        root = self._tree((layout.IS_BUCKET, name.encode(), buckets[name]) for name in sorted(buckets))
        for number in (0, 1):
            body = layout.META_BODY.pack(
                layout.MAGIC, layout.VERSION, layout.PAGE_SIZE, 0, root, 0, self._free_list, self._pages, number
            )
            meta = layout.PAGE.pack(number, layout.META, 0, 0) + body + layout.CHECKSUM.pack(layout.fnv1a(body))
            self._file.seek(number * layout.PAGE_SIZE)
            self._file.write(meta)
        self._file.seek(0, 2)

    def _tree(self, elements: Iterable[_Element]) -> int:
        """Write leaves, then the branches above them; return the root's number."""
        children = list(self._leaves(elements))
        while len(children) > 1:
            children = list(self._branches(children))
        return children[0][1]

    def _leaves(self, elements: Iterable[_Element]) -> Iterable[_Child]:
        page: list[_Element] = []
        size = layout.PAGE.size
        for element in elements:
            length = layout.LEAF_ELEMENT.size + len(element[1]) + len(element[2])
            if page and size + length > layout.PAGE_SIZE:
                yield page[0][1], self._leaf(page)
                page, size = [], layout.PAGE.size
            page.append(element)
            size += length
        yield page[0][1] if page else b"", self._leaf(page)

    def _leaf(self, page: Sequence[_Element]) -> int:
        return self._page(layout.LEAF, len(page), leaf_body(page))

    def _branches(self, children: Sequence[_Child]) -> Iterable[_Child]:
        page: list[_Child] = []
        size = layout.PAGE.size
        for child in children:
            length = layout.BRANCH_ELEMENT.size + len(child[0])
            if len(page) > 1 and size + length > layout.PAGE_SIZE:
                yield page[0][0], self._branch(page)
                page, size = [], layout.PAGE.size
            page.append(child)
            size += length
        yield page[0][0], self._branch(page)

    def _branch(self, page: Sequence[_Child]) -> int:
        heads, keys = [], b"".join(key for key, _ in page)
        position = len(page) * layout.BRANCH_ELEMENT.size
        for index, (key, number) in enumerate(page):
            heads.append(layout.BRANCH_ELEMENT.pack(position - index * layout.BRANCH_ELEMENT.size, len(key), number))
            position += len(key)
        return self._page(layout.BRANCH, len(page), b"".join(heads) + keys)

    def _page(self, kind: int, elements: int, body: bytes) -> int:
        number = self._pages
        length = layout.PAGE.size + len(body)
        pages = -(-length // layout.PAGE_SIZE)
        self._file.write(layout.PAGE.pack(number, kind, elements, pages - 1))
        self._file.write(body)
        self._file.write(bytes(pages * layout.PAGE_SIZE - length))
        self._pages += pages
        return number


def leaf_body(page: Sequence[_Element]) -> bytes:
    heads, data = [], b"".join(key + value for _, key, value in page)
    position = len(page) * layout.LEAF_ELEMENT.size
    for index, (flags, key, value) in enumerate(page):
        heads.append(layout.LEAF_ELEMENT.pack(flags, position - index * layout.LEAF_ELEMENT.size, len(key), len(value)))
        position += len(key) + len(value)
    return b"".join(heads) + data


def small_bucket(elements: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return a bucket of few elements, which its parent holds whole: its page follows its head."""
    body = leaf_body([(0, key, value) for key, value in elements])
    return layout.BUCKET.pack(0, 0) + layout.PAGE.pack(0, layout.LEAF, len(elements), 0) + body
