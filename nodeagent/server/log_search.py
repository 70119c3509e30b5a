"""Where in a log to begin reading, found without reading what comes before: logs may be gigabytes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import BinaryIO

from controlplane.kit.timestamps import parse_time
from nodeagent.pods.logs import MalformedLog, parse_entry

_STRIDE = 64 * 1024  # bytes: closer than this is near enough, for entries are compared one by one afterwards
_LONGEST = 64 * 1024  # bytes of an entry: the runtime breaks lines at 16 KiB
# The runtime copies stdout and stderr each at its own pace, so that entries are only nearly in order.
_DISORDER = timedelta(seconds=1)


def since_offset(file: BinaryIO, moment: datetime) -> int:
    """Return a place, in bytes, where an entry begins and before which none is as new as `moment`.

    Bisects by the time of whichever entry follows the middle. Raises OSError.
    """
    moment -= _DISORDER
    low, high = 0, file.seek(0, 2)
    while high - low > _STRIDE:
        middle = (low + high) // 2
        found = _entry_after(file, middle, high)
        if found is None:
            high = middle  # no entry begins between here and there
        elif found[1] < moment:
            low = found[0]
        else:
            high = middle
    return low


def _entry_after(file: BinaryIO, position: int, end: int) -> tuple[int, datetime] | None:
    """Return where the first entry behind `position` begins, and its time; what is no entry is passed over."""
    file.seek(position)
    position += len(file.readline(_LONGEST))  # the rest of the entry in whose middle we are
    while position < end:
        line = file.readline(_LONGEST)
        try:
            return position, parse_time(parse_entry(line).timestamp)
        except (MalformedLog, ValueError):
            if not line:
                return None
            position += len(line)
    return None
