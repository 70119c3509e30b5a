"""Regular expressions as Go has them, in Python's: the two differ in a few words, and in what `$` means."""

from __future__ import annotations

import re

_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7F", "blank": r"\t ", "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ",
    "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_POSIX = re.compile(r"\[:(\^?)(\w+):\]")


class PatternError(ValueError):
    """No regular expression of Go's."""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern that finds what Go's would. Raises PatternError.

    Python's `$` also matches before a line break at the end, and its \\d, \\w and \\s know all of Unicode; Go has \\z
    where Python has \\Z. Look-around and back references, which Go does not have, are refused.
    """
    if re.search(r"\(\?(=|!|<=|<!|P=|\()", pattern) or re.search(r"(?<!\\)(\\\\)*\\[1-9]", pattern):
        raise PatternError(f"error parsing regexp: invalid or unsupported Perl syntax: `{pattern}`")
    try:
        return re.compile(_translated(pattern), re.ASCII)
    except (re.error, OverflowError) as error:
        raise PatternError(f"error parsing regexp: {error}: `{pattern}`") from error


def _translated(pattern: str) -> str:
    pattern = _POSIX.sub(_posix, pattern)
    result, position, in_class = [], 0, False
    while position < len(pattern):
        character = pattern[position]
        if character == "\\" and position + 1 < len(pattern):
            pair = pattern[position : position + 2]
            result.append(r"\Z" if pair == r"\z" else pair)
            position += 2
            continue
        if character == "[" and not in_class:
            in_class = True
        elif (
            character == "]" and in_class and pattern[position - 1] != "[" and pattern[position - 2 : position] != "[^"
        ):
            in_class = False
        elif character == "[" and in_class:
            character = r"\["
        result.append(r"\Z" if character == "$" and not in_class else character)
        position += 1
    return "".join(result)


def _posix(match: re.Match[str]) -> str:
    characters = _CLASSES.get(match[2])
    if characters is None or match[1]:
        raise PatternError(f"error parsing regexp: invalid character class range: `{match[0]}`")
    return characters
