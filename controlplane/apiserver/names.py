"""Names made up by the server, and identifiers."""

from __future__ import annotations

from random import Random
from uuid import UUID

# No vowels and nothing that looks like another letter, so that no name spells a word or is misread.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5
_LONGEST = 63


def generate_name(base: str, random: Random) -> str:
    """Return `base` and five random characters, cut to what every kind allows."""
    suffix = "".join(random.choices(_ALPHABET, k=_SUFFIX))
    return base[: _LONGEST - _SUFFIX] + suffix


def generate_uid(random: Random) -> str:
    """Return a random (version 4) UUID."""
    return str(UUID(int=random.getrandbits(128), version=4))
