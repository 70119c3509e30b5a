"""Proxies that say in headers who calls: which are believed, over real TLS with two authorities."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import ConfigMap
from controlplane.api.status import NotFound
from controlplane.apiserver.aggregation.trust import NAME, NAMESPACE
from controlplane.auth.request_header import RequestHeaderSettings
from controlplane.kit.clock import SystemClock
from controlplane.pki.issue import Leaf, Pair, issue, new_authority
from controlplane.testing import HttpsApi, https_api

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
BODY = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
JANE = (
    ("X-Remote-User", "jane"),
    ("X-Remote-Group", "dev"),
    ("X-Remote-Group", "ops"),
    ("X-Remote-Uid", "42"),
    ("X-Remote-Extra-Acme.com%2Fproject", "x"),
)


@pytest.fixture
def proxies_ca() -> Pair:
    return new_authority("front-proxy-ca", SystemClock().now())


@pytest.fixture
async def api(tmp_path: Path, proxies_ca: Pair) -> AsyncIterator[HttpsApi]:
    proxies = RequestHeaderSettings(proxies_ca.certificate_pem, ("front-proxy-client",))
    async with https_api(tmp_path, proxies=proxies) as running:
        yield running


async def ask(
    api: HttpsApi, pair: Pair | None, headers: tuple[tuple[str, str], ...] = ()
) -> tuple[int, dict[str, object]]:
    tls = ssl.create_default_context(cafile=str(api.ca_file))
    if pair is not None:
        tls.load_cert_chain(*api.write_pair("caller", pair))
    async with (
        aiohttp.ClientSession(api.url, connector=aiohttp.TCPConnector(ssl=tls)) as session,
        session.post(REVIEW, json=BODY, headers=headers) as answer,
    ):
        told = await answer.json()
    return answer.status, told["status"]["userInfo"] if answer.status == 201 else told


async def test_a_known_proxy_is_believed(api: HttpsApi, proxies_ca: Pair) -> None:
    proxy = issue(Leaf("front-proxy-client"), proxies_ca, api.clock.now())
    status, user = await ask(api, proxy, JANE)
    assert status == 201
    assert user == {
        "username": "jane",
        "uid": "42",
        "groups": ["dev", "ops", "system:authenticated"],
        "extra": {"acme.com/project": ["x"]},
    }


@pytest.mark.parametrize(
    ("name", "headers", "days"),
    [
        pytest.param("front-proxy-client", (), 1, id="a proxy that names nobody is nobody"),
        pytest.param("other", JANE, 1, id="a name that is not allowed"),
        pytest.param("front-proxy-client", JANE, -1, id="an expired certificate"),
    ],
)
async def test_refused(
    api: HttpsApi, proxies_ca: Pair, name: str, headers: tuple[tuple[str, str], ...], days: int
) -> None:
    born = api.clock.now() - timedelta(days=2)
    proxy = issue(Leaf(name, ("system:masters",)), proxies_ca, born, timedelta(days=2 + days))
    status, told = await ask(api, proxy, headers)
    assert (status, told["reason"]) == (401, "Unauthorized")


async def test_the_same_name_from_the_wrong_authority_is_a_user(api: HttpsApi) -> None:
    pair = issue(Leaf("front-proxy-client", ("system:masters",)), api.authority, api.clock.now())
    status, user = await ask(api, pair, JANE)
    assert (status, user["username"]) == (201, "front-proxy-client")


async def test_without_a_certificate_headers_mean_nothing(api: HttpsApi) -> None:
    status, told = await ask(api, None, JANE)
    assert status == 403
    assert 'User "system:anonymous" cannot create' in str(told["message"])


async def _trust(api: HttpsApi) -> ConfigMap:
    async with asyncio.timeout(10):
        while True:
            with suppress(NotFound):
                return await api.memory.client().get(ConfigMap, NAME, NAMESPACE)
            await asyncio.sleep(0.01)


async def test_what_somebody_changes_in_it_is_put_right(api: HttpsApi) -> None:
    found = await _trust(api)
    data = {**found.data, "requestheader-allowed-names": "[]", "theirs": "kept"}
    changed = await api.memory.client().update(replace(found, data=data))
    async with asyncio.timeout(10):
        while (now := await _trust(api)).metadata.resource_version == changed.metadata.resource_version:  # noqa: ASYNC110 it is a remote object
            await asyncio.sleep(0.01)
    assert now.data == {**found.data, "theirs": "kept"}


async def test_extension_servers_can_read_whom_to_believe(api: HttpsApi, proxies_ca: Pair) -> None:
    found = await _trust(api)
    assert found.data["requestheader-client-ca-file"] == proxies_ca.certificate_pem.decode()
    assert found.data["client-ca-file"] == api.authority.certificate_pem.decode()
    lists = {name: json.loads(text) for name, text in found.data.items() if not name.endswith("-ca-file")}
    assert lists == {
        "requestheader-allowed-names": ["front-proxy-client"],
        "requestheader-username-headers": ["X-Remote-User"],
        "requestheader-uid-headers": ["X-Remote-Uid"],
        "requestheader-group-headers": ["X-Remote-Group"],
        "requestheader-extra-headers-prefix": ["X-Remote-Extra-"],
    }
