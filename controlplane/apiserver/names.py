"""Names made up by the server, and identifiers."""

from __future__ import annotations

from random import Random

# No vowels and nothing that looks like another letter, so that no name spells a word or is misread.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5
_LONGEST = 63
_VARIANT = "89ab"  # two bits say that this is the RFC's layout, two are random


def generate_name(base: str, random: Random) -> str:
    """Return `base` and five random characters, cut to what every kind allows."""
    suffix = "".join(random.choices(_ALPHABET, k=_SUFFIX))
    return base[: _LONGEST - _SUFFIX] + suffix


def generate_uid(random: Random) -> str:
    """Return a random (version 4) UUID: RFC 9562, section 5.4. Every request gets one, as its audit ID."""
    digits = f"{random.getrandbits(128):032x}"
    variant = _VARIANT[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
