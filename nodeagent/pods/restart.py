"""How long a container that ended waits before it is started again.

The first restart is immediate; then 10 s after it ended, 20 s, 40 s, ... up to 5 minutes. A container that ran for ten
minutes is forgiven: upstream's numbers, which people know from CrashLoopBackOff.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST, LONGEST, FORGIVEN = timedelta(seconds=10), timedelta(minutes=5), timedelta(minutes=10)


# No back-off of ours is longer. A moment further away was set before somebody put the clock back.
LONGEST_WAIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Crashes:
    """What is remembered of a container's earlier restarts: the last delay, and when it was last restarted."""

    delay: timedelta
    restarted_at: datetime


def still_to_come(moment: datetime, now: datetime) -> bool:
    """Whether to wait for the end of a back-off; a clock that was put back by hours must not make it last for hours."""
    return now < moment <= now + LONGEST_WAIT


def ready_at(crashes: Crashes | None, ended_at: datetime) -> datetime:
    """Return when a container that ended at `ended_at` may start again."""
    if crashes is None or _forgiven(crashes, ended_at):
        return ended_at
    return ended_at + crashes.delay


def restarted(crashes: Crashes | None, ended_at: datetime, now: datetime) -> Crashes:
    """Return what to remember once a container that ended at `ended_at` is started again."""
    if crashes is None or _forgiven(crashes, ended_at):
        return Crashes(FIRST, now)
    return Crashes(min(LONGEST, crashes.delay * 2), now)


def _forgiven(crashes: Crashes, ended_at: datetime) -> bool:
    return ended_at - crashes.restarted_at > FORGIVEN


def wanted_after_exit(policy: str, exit_code: int) -> bool:
    """Return whether restart policy `policy` wants a container again that ended with `exit_code`."""
    return policy != "Never" and not (policy == "OnFailure" and exit_code == 0)
