"""docs/api.md says what the server does, and no stable operation is missing but those named here."""

from __future__ import annotations

from tests.integration.api_coverage.document import FILE, render, served


async def test_the_page_is_up_to_date() -> None:
    assert FILE.read_text() == render(await served()), "run `make generate`"


async def test_nothing_stable_is_missing() -> None:
    found = await served()
    assert {f"{one.group_version} {one.resource}" for one, there in found.items() if one.stable and not there} == set()
