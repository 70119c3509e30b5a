"""How long a refused caller should stay away: longer while refusals keep coming."""

from __future__ import annotations

from collections import deque

_LONGEST = 32  # seconds


class RetryAfter:
    """The seconds to tell the callers of one priority level, from 1 to 32: doubled by many refusals, less after few."""

    def __init__(self) -> None:
        self.seconds = 1
        self._history: deque[tuple[int, int]] = deque()  # second, refusals in it
        self._second, self._count = -1, 0
        self._doubled = 0  # the second in which the answer was last doubled

    def note(self, now: float) -> None:
        """Count a refusal."""
        second = int(now)
        if second == self._second:
            self._count += 1
            return
        self._history.append((self._second, self._count))
        self._second, self._count = second, 1
        while self._history and second - self._history[0][0] > min(2 * self.seconds, _LONGEST):
            self._history.popleft()
        self._adjust(second)

    def _adjust(self, second: int) -> None:
        refused = sum(count for at, count in self._history if second - at <= self.seconds)
        if second - self._doubled >= self.seconds and refused >= 3 * self.seconds:
            self.seconds = min(2 * self.seconds, _LONGEST)
            self._doubled = second
        elif refused < self.seconds and self.seconds > 1:
            self.seconds -= 1
