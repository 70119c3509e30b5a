"""Which of two API versions is the more stable: v2, v1, v1beta2, v1beta1, v1alpha1, then whatever else, by name."""

from __future__ import annotations

import re

_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_STAGES = {None: 0, "beta": 1, "alpha": 2}


def version_priority(version: str) -> tuple[int, int, int, str]:
    """Return a key that sorts the version clients should prefer first."""
    parts = _VERSION.fullmatch(version)
    if parts is None:
        return len(_STAGES), 0, 0, version
    major, stage, minor = parts.groups()
    return _STAGES[stage], -int(major), -int(minor or 0), version
