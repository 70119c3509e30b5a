"""Where a write stands in the history: by revision, and among the writes of one transaction by its place.

revision 7, the only write        7 << 20        place 0
revision 8, the third of three    8 << 20 | 2    etcd writes this 8_2
"""

from __future__ import annotations

_BITS = 20  # of the place: a deletion of a million keys is one transaction; 43 bits are left for revisions
MOST_WRITES = 1 << _BITS


def position_of(revision: int, place: int) -> int:
    return revision << _BITS | place


def revision_at(position: int) -> int:
    return position >> _BITS


def place_at(position: int) -> int:
    return position & (MOST_WRITES - 1)


def last_of(revision: int) -> int:
    """Return the position behind which the writes of the next revision begin."""
    return (revision + 1 << _BITS) - 1
