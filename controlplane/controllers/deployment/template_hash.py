"""The short name of a pod template: the suffix of its ReplicaSet and the value of its pod-template-hash label."""

from __future__ import annotations

import hashlib

import msgspec

from controlplane.api.core_v1 import PodTemplateSpec

LABEL = "pod-template-hash"

# No vowels and no digits that look like letters, so that no hash spells a word: upstream's alphabet.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: PodTemplateSpec, collision_count: int | None) -> str:
    """Return up to ten safe characters that stand for the template.

    `collision_count` makes another name for the same template, for when a ReplicaSet of that name was taken.
    """
    canonical = msgspec.json.encode(template, order="deterministic")
    salt = b"" if collision_count is None else str(collision_count).encode()
    number = int.from_bytes(hashlib.blake2b(canonical + salt, digest_size=4).digest(), "big")
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))
