"""Requests made from our own OpenAPI documents, right ones and wrong ones, to every operation of every group version.

Never a 5xx, never a hang, and afterwards every collection can still be read. The requests are derived, not drawn: the
test sends the same ones every time.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from controlplane.api.resources import RESOURCES
from controlplane.pki.issue import Leaf, issue
from controlplane.testing import HttpsApi

GROUP_VERSIONS = sorted({one.path().rpartition("/")[0].lstrip("/") for one in RESOURCES})
FEW = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
# These wait for what never comes here, or are tunnels to nodes that there are not.
ENDLESS = ("/watch/", "/proxy", "/exec", "/attach", "/portforward")


@pytest.fixture(scope="module")
def session(api: HttpsApi) -> requests.Session:
    """An administrator's connection."""
    found = requests.Session()
    found.trust_env, found.verify = False, str(api.ca_file)
    pair = issue(Leaf("admin", ("system:masters",)), api.authority, api.clock.now())
    found.cert = tuple(map(str, api.write_pair("schema", pair)))  # type: ignore[assignment]
    return found


@pytest.mark.parametrize("group_version", GROUP_VERSIONS)
def test_every_operation(group_version: str, api: HttpsApi, session: requests.Session) -> None:
    document = session.get(f"{api.url}/openapi/v3/{group_version}", timeout=20).json()
    told: Counter[int] = Counter()
    for operation in schemathesis.openapi.from_dict(document).get_all_operations():
        ask(operation.ok(), api, session, told)
    assert told.total() > 10 and told[404] < told.total(), told
    for path in document["paths"]:
        if "{" not in path:
            read = session.get(api.url + path, timeout=20)
            assert read.status_code in (200, 405), read.text
            assert isinstance(read.json(), dict)


def ask(operation: Any, api: HttpsApi, session: requests.Session, told: Counter[int]) -> None:
    """Send a few requests for one operation."""
    if any(part in operation.path for part in ENDLESS):
        return

    @FEW
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url=api.url)
        query = {**(sent.get("params") or {}), "watch": "false", "timeoutSeconds": "1"}
        sent.pop("verify", None)
        answer = session.request(**{**sent, "params": query}, timeout=20)
        told[answer.status_code] += 1
        assert answer.status_code < 500, (case.method, case.path, answer.text[:500])

    run()
