"""Counts what a probe's checks said, and when the count makes a verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from controlplane.api.core_v1 import Probe


class Result(Enum):
    """What is believed of a container. UNKNOWN: not enough checks yet."""

    UNKNOWN = "unknown"
    SUCCESS = "success"
    FAILURE = "failure"


class Kind(Enum):
    """What a probe is for; the words are those of upstream's events."""

    LIVENESS = "Liveness"
    READINESS = "Readiness"
    STARTUP = "Startup"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check: whether it succeeded, and what was said."""

    success: bool
    output: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is believed after the checks so far, and how many of the same outcome came last."""

    result: Result = Result.UNKNOWN
    successes: int = 0
    failures: int = 0


def initial(kind: Kind) -> Verdict:
    """Return what is believed before the first check: alive, but not ready and not started."""
    return Verdict(Result.SUCCESS if kind is Kind.LIVENESS else Result.UNKNOWN)


def judge(probe: Probe, before: Verdict, outcome: Outcome) -> Verdict:
    """Return what is believed after one more check."""
    successes = before.successes + 1 if outcome.success else 0
    failures = 0 if outcome.success else before.failures + 1
    if successes >= (probe.success_threshold or 1) and outcome.success:
        return Verdict(Result.SUCCESS, successes, failures)
    if failures >= (probe.failure_threshold or 3) and not outcome.success:
        return Verdict(Result.FAILURE, successes, failures)
    return Verdict(before.result, successes, failures)
