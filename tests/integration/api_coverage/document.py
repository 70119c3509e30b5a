"""docs/api.md: upstream's resources and verbs with ours beside them, from what our server answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from controlplane.testing import memory_api
from tests.integration.api_coverage.operations import Operation, in_order, operations

FILE = Path(__file__).parents[3] / "docs/api.md"

_HEAD = """# The API: upstream v1.37 and Sampan

Every resource and verb of Kubernetes v1.37, as its generated Python client lists them, and whether Sampan serves it:
each was asked of a running server. `make generate` writes this page, and a test compares it with what the server does.

A dash in the last column says that nothing is missing. *connect* is exec, attach, port-forward and proxy.
"""
# What is not there: a path that means nothing, or one that does not know the method.
_ABSENT = (
    "the server could not find the requested resource",
    "the server does not allow this method on the requested resource",
)


async def served() -> dict[Operation, bool]:
    """Return every operation of upstream's and whether our server knows it."""
    async with memory_api() as api:
        found: dict[Operation, bool] = {}
        for operation in operations():
            answer = await api.transport().request(operation.method, operation.example)
            told = answer.body if answer.status in (404, 405) else b""
            found[operation] = not (told[:1] == b"{" and msgspec.json.decode(told).get("message", "") in _ABSENT)
        return found


def render(found: dict[Operation, bool]) -> str:
    """Return the page."""
    stable = [one for one in found if one.stable]
    missing = [one for one in stable if not found[one]]
    lines = [_HEAD, f"Of {len(stable)} operations in stable versions, {len(stable) - len(missing)} are served.", ""]
    for group_version, of_version in groupby(stable, lambda one: one.group_version):
        lines += [f"## {group_version}", "", "| resource | upstream | missing |", "|---|---|---|"]
        lines += [*_rows(list(of_version), found), ""]
    others = sorted({one.group_version for one in found if not one.stable})
    lines += ["## Not served", "", "Alpha and beta versions, which upstream does not serve by default either:", ""]
    lines += [f"- {group_version}" for group_version in others]
    return "\n".join(lines) + "\n"


def _rows(of_version: Sequence[Operation], found: dict[Operation, bool]) -> Iterator[str]:
    for resource, of_resource in groupby(of_version, lambda one: one.resource):
        listed = list(of_resource)
        all_verbs = in_order({one.verb for one in listed})
        missing = in_order({one.verb for one in listed if not found[one]})
        yield f"| {resource} | {' '.join(all_verbs)} | {' '.join(missing) or '—'} |"
