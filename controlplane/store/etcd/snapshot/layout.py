"""bbolt's file format, version 2: the facts that its reader and its writer share. Little-endian."""

from __future__ import annotations

import struct

PAGE_SIZE = 4096
MAGIC, VERSION = 0xED0CDAED, 2
BRANCH, LEAF, META, FREE_LIST = 0x01, 0x02, 0x04, 0x10  # what a page is
IS_BUCKET = 0x01  # of an element of a leaf

PAGE = struct.Struct("<QHHI")  # id, what it is, elements, pages that follow and belong to it
LEAF_ELEMENT = struct.Struct("<IIII")  # flags, where the key is (from here), its length, the value's
BRANCH_ELEMENT = struct.Struct("<IIQ")  # where the key is (from here), its length, the page below
BUCKET = struct.Struct("<QQ")  # root page (0: the page follows at once), sequence
META_BODY = struct.Struct("<IIIIQQQQQ")  # magic, version, page size, flags, BUCKET, free list, pages, transaction
CHECKSUM = struct.Struct("<Q")
REVISION = struct.Struct(">qcq")  # main, _, place

TOMBSTONE = b"t"  # behind the revision: the key was deleted


def fnv1a(data: bytes) -> int:
    """Return the 64-bit FNV-1a hash, the checksum of a meta page."""
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return digest
