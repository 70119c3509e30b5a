"""Many rows as two SQL parameters or one result row: a JSON text for the small columns, one blob for all values.

`[[7,"/a",7,1,0,0,null,1,3],[8,"/b",8,1,0,0,null,4,2]]` + `b"onetw"` are the values `one` of /a and `tw` of /b.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[list[Any]])


class Row(NamedTuple):
    """A row of the history. A deletion has `value` None and `create_revision` 0."""

    position: int
    key: str
    value: bytes | None
    create_revision: int
    version: int
    previous: int  # the position that held the key before, 0: none
    lease: int
    expires: float | None  # seconds since 1970


def pack(rows: Iterable[Row]) -> tuple[str, bytes]:
    """Return rows as the parameters of statements.INSERT, which counts blob positions from 1."""
    columns: list[tuple[Any, ...]] = []
    values: list[bytes] = []
    start = 1
    for row in rows:
        length = None if row.value is None else len(row.value)
        position, key, _, created, version, previous, lease, expires = row
        columns.append((position, key, created, version, previous, lease, expires, start, length))
        if row.value:
            values.append(row.value)
            start += len(row.value)
    return _encoder.encode(columns).decode(), b"".join(values)


class Blob:
    """Values cut off the front of a concatenation."""

    def __init__(self, data: bytes | None):
        self._data, self._position = data or b"", 0

    def take(self, length: int | None) -> bytes | None:
        if length is None:
            return None
        start = self._position
        self._position += length
        return self._data[start : self._position]


def unpack(result: Sequence[Any]) -> Iterator[tuple[list[Any], list[bytes | None]]]:
    """Yield each row's columns and values from a result (columns, blob, ...): the lengths end each row's columns."""
    text, *data = result
    if text is None:
        return
    blobs = [Blob(one) for one in data]
    for columns in _decoder.decode(text):
        lengths = columns[-len(blobs) :]
        yield columns, [blob.take(length) for blob, length in zip(blobs, lengths, strict=True)]
