"""/livez, /readyz, /healthz: a list of named checks, each also at a path of its own.

GET /readyz?verbose          [+]ping ok
                             [+]etcd ok
                             readyz check passed
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from controlplane.apiserver.messages import Query, Response

_log = logging.getLogger(__name__)
_TEXT = "text/plain; charset=utf-8"

Check = Callable[[], Awaitable[str]]
"""Returns what is wrong, or ""."""


async def ping() -> str:
    """Say that the event loop turns: whoever reads this answer knows."""
    return ""


@dataclass(slots=True)
class Stage:
    """How far a server has come. Alive it stays until the end."""

    started: bool = False  # its own first objects are written
    stopping: bool = False

    async def has_started(self) -> str:
        return "" if self.started else "not finished"

    async def not_stopping(self) -> str:
        return "process is shutting down" if self.stopping else ""


@dataclass(frozen=True, slots=True)
class Health:
    """The checks behind each of the three paths."""

    checks: Mapping[str, Mapping[str, Check]]  # by livez, readyz, healthz, then by name

    @property
    def paths(self) -> Sequence[str]:
        each = [f"/{root}/{name}" for root, checks in self.checks.items() for name in checks]
        return (*(f"/{root}" for root in self.checks), *each)

    async def answer(self, path: str, query: Query) -> Response | None:
        """Answer a GET of a health path; None for any other."""
        root, _, name = path.strip("/").partition("/")
        checks = self.checks.get(root)
        if checks is None:
            return None
        if name:
            return await _one(checks[name]) if name in checks else None
        return await _all(root, checks, query)


def server_health(store_answers: Check, stage: Stage, *, fairness: bool) -> Health:
    """Return the checks of an API server, by upstream's names; `fairness`: it has priority and fairness."""
    always = {"ping": ping, "log": ping, "etcd": store_answers}
    hooks = {"poststarthook/rbac/bootstrap-roles": stage.has_started}
    if fairness:
        parts = ("config-consumer", "config-producer", "filter")
        hooks |= {f"poststarthook/priority-and-fairness-{part}": stage.has_started for part in parts}
    alive = {**always, **hooks}
    ready = {**always, "informer-sync": stage.has_started, **hooks, "shutdown": stage.not_stopping}
    return Health({"livez": alive, "healthz": alive, "readyz": ready})


async def _one(check: Check) -> Response:
    problem = await check()
    return _text(500, f"internal server error: {problem}\n") if problem else _text(200, "ok")


async def _all(root: str, checks: Mapping[str, Check], query: Query) -> Response:
    excluded = set(query.all("exclude"))
    lines, failed = [], False
    for name, check in checks.items():
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok")
        elif problem := await check():
            _log.warning("%s check %s failed: %s", root, name, problem)
            failed = True
            # The reason is for the log: this page is open to everybody.
            lines.append(f"[-]{name} failed: reason withheld")
        else:
            lines.append(f"[+]{name} ok")
    if unknown := sorted(excluded - checks.keys()):
        listed = ",".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {listed}")
    if failed:
        return _text(500, "\n".join([*lines, f"{root} check failed", ""]))
    return _text(200, "\n".join([*lines, f"{root} check passed", ""]) if "verbose" in query else "ok")


def _text(status: int, text: str) -> Response:
    return Response(status, text.encode(), _TEXT, {"X-Content-Type-Options": "nosniff"})
