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
            return await self._one(checks, root, name, query)
        excluded = query.all("exclude")
        return await _answer(
            root, {key: check for key, check in checks.items() if key not in excluded}, excluded, query
        )

    async def _one(self, checks: Mapping[str, Check], root: str, name: str, query: Query) -> Response | None:
        check = checks.get(name)
        return None if check is None else await _answer(root, {name: check}, [], query)


async def _answer(root: str, checks: Mapping[str, Check], excluded: list[str], query: Query) -> Response:
    lines, failed = [], []
    for name, check in checks.items():
        if problem := await check():
            _log.warning("%s check %s failed: %s", root, name, problem)
            failed.append(name)
            # The reason is for the log: this page is open to everybody.
            lines.append(f"[-]{name} failed: reason withheld")
        else:
            lines.append(f"[+]{name} ok")
    lines += [f"[+]{name} excluded: ok" for name in excluded]
    if failed:
        return _text(500, "\n".join([*lines, f"{root} check failed", ""]))
    return _text(200, "\n".join([*lines, f"{root} check passed", ""]) if "verbose" in query else "ok")


def _text(status: int, text: str) -> Response:
    return Response(status, text.encode(), _TEXT, {"X-Content-Type-Options": "nosniff"})
