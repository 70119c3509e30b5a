"""Shuffle sharding: which few of many queues a flow may use.

Two flows share all of their queues only by a great coincidence, so a noisy flow cannot stand in another's way.
"""

from __future__ import annotations

from bisect import insort
from hashlib import sha256


def flow_hash(schema: str, distinguisher: str) -> int:
    """Return 64 bits that name a flow: those of upstream, so that a flow has the same hand on every server."""
    digest = sha256(f"{schema}\0{distinguisher}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def deal(hash_value: int, queues: int, hand_size: int) -> tuple[int, ...]:
    """Return `hand_size` different numbers below `queues`, drawn like cards from a deck that shrinks."""
    hand: list[int] = []
    taken: list[int] = []  # in order
    for left in range(queues, queues - hand_size, -1):
        hash_value, card = divmod(hash_value, left)
        for gone in taken:  # from the place among those that are left to the number
            if card >= gone:
                card += 1
        hand.append(card)
        insort(taken, card)
    return tuple(hand)
