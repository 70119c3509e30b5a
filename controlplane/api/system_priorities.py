"""The priorities that are the system's own: no user's class is above them, nor has a name like theirs."""

from __future__ import annotations

from collections.abc import Mapping

SYSTEM_PREFIX = "system-"
HIGHEST_USER_PRIORITY = 1_000_000_000
_CRITICAL = 2 * HIGHEST_USER_PRIORITY

SYSTEM_PRIORITIES: Mapping[str, int] = {
    "system-cluster-critical": _CRITICAL,
    "system-node-critical": _CRITICAL + 1000,
}
