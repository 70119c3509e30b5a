"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow from `first` to `cap` seconds by `factor`, each spread upwards by up to `jitter` of itself."""

    first: float
    cap: float
    factor: float = 2.0
    jitter: float = 0.0

    def delay(self, attempt: int, random: Random | None = None) -> float:
        """Return the seconds to wait after failed attempt number `attempt` (0 for the first)."""
        # 2.0**1000 overflows nothing yet, 2.0**1100 does: a key may fail for days.
        delay = min(self.cap, self.first * self.factor ** min(attempt, 64))
        return delay * (1 + self.jitter * random.random()) if random and self.jitter else delay

    def delays(self, random: Random | None = None) -> Iterator[float]:
        """Yield the delays for ever."""
        attempt = 0
        while True:
            yield self.delay(attempt, random)
            attempt += 1
