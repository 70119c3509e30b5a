"""One HTTPS server for a module: what it survives in one test it must have survived for the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controlplane.pki.issue import Leaf
from controlplane.testing import HttpsApi
from tests.fakes.served import Caller, served


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsApi]:
    with served(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="module")
def ask(api: HttpsApi) -> Caller:
    """Ask as an administrator."""
    return Caller(api, Leaf("admin", ("system:masters",)))
