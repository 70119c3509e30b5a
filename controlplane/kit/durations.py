"""Durations as Go writes them: 1h30m, 40s, 500ms."""

from __future__ import annotations

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def format_duration(seconds: float) -> str:
    """Return a duration to the millisecond: 1m0.5s, 15s, 250ms."""
    total = round(seconds * 1000)
    if abs(total) < 1000:
        return f"{total}ms" if total else "0s"
    sign, total = ("-", -total) if total < 0 else ("", total)
    minutes, rest = divmod(total, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest // 1000}.{rest % 1000:03}".rstrip("0").removesuffix(".") + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def parse_duration(text: str) -> float:
    """Return the seconds of a duration; "0" is none. Raises ValueError."""
    if text == "0":
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'"{text}" is not a duration such as 1h30m or 40s')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
