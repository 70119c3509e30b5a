"""Durations as Go writes them: 1h30m, 40s, 500ms."""

from __future__ import annotations

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def parse_duration(text: str) -> float:
    """Return the seconds of a duration; "0" is none. Raises ValueError."""
    if text == "0":
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'"{text}" is not a duration such as 1h30m or 40s')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
