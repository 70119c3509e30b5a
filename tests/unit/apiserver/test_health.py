"""The text of health pages."""

from __future__ import annotations

import pytest

from controlplane.apiserver.health import Health, ping
from controlplane.apiserver.messages import Query


async def broken() -> str:
    return "no answer"


HEALTH = Health({"livez": {"ping": ping}, "readyz": {"ping": ping, "etcd": broken}})


@pytest.mark.parametrize(
    ("path", "query", "status", "text"),
    [
        pytest.param("/livez", "", 200, "ok", id="all is well"),
        pytest.param("/livez", "verbose", 200, "[+]ping ok\nlivez check passed\n", id="and which that is"),
        pytest.param("/livez/ping", "verbose", 200, "ok", id="one check"),
        pytest.param("/readyz", "", 500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n",
                     id="a failure says which, not why"),
        pytest.param("/readyz/etcd", "", 500, "internal server error: no answer\n", id="one check says why"),
        pytest.param("/readyz", "exclude=etcd", 200, "ok", id="without what fails"),
        pytest.param("/readyz", "verbose&exclude=ping&exclude=etcd", 200,
                     "[+]ping excluded: ok\n[+]etcd excluded: ok\nreadyz check passed\n", id="without any"),
        pytest.param("/livez", "verbose&exclude=b&exclude=a", 200,
                     '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "a","b"\n'
                     "livez check passed\n", id="without what there is not"),
    ],
)  # fmt: skip
async def test_health(path: str, query: str, status: int, text: str) -> None:
    answer = await HEALTH.answer(path, Query(query))
    assert answer is not None and (answer.status, answer.body.decode()) == (status, text)


@pytest.mark.parametrize("path", ["/", "/livez/etcd", "/health", "/readyz/etcd/more"])
async def test_other_paths(path: str) -> None:
    assert await HEALTH.answer(path, Query("")) is None
