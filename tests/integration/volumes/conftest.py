"""Volumes on the kernel itself: real mounts below the test's own directory, all of them gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodeagent.kernel.mounts import mounted_below, unmount


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.root)


@pytest.fixture(autouse=True)
def _no_mount_is_left(tmp_path: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    yield
    for path in mounted_below(tmp_path):
        unmount(path)
