"""What proxy requests mean by their names and paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.apiserver.proxying.target import Named, parse_name, remaining_path


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("web", Named("web"), id="a name"),
        pytest.param("web:80", Named("web", "80"), id="a port"),
        pytest.param("web:main", Named("web", "main"), id="a port's name"),
        pytest.param("https:web:main", Named("web", "main", https=True), id="over TLS"),
        pytest.param("https:web:", Named("web", "", https=True), id="over TLS, any port"),
        pytest.param("http:web:80", Named("web", "80"), id="not over TLS, said"),
        pytest.param(":web:80", Named("web", "80"), id="no scheme"),
        pytest.param("ftp:web:80", None, id="a scheme that we do not speak"),
        pytest.param("a:b:c:d", None, id="too much"),
        pytest.param("", None, id="nothing"),
        pytest.param(":80", None, id="a port of nobody"),
    ],
)
def test_parse_name(text: str, named: Named | None) -> None:
    assert parse_name(text) == named


@given(st.text(alphabet="abc:", max_size=12))
def test_a_name_is_never_made_up(text: str) -> None:
    named = parse_name(text)
    assert named is None or (named.name and named.name in text and named.port in text)


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        pytest.param("/api/v1/namespaces/shop/pods/web/proxy", "", id="nothing"),
        pytest.param("/api/v1/namespaces/shop/pods/web/proxy/", "/", id="the root"),
        pytest.param("/api/v1/namespaces/shop/services/web:80/proxy/a%2Fb//c/", "/a%2Fb//c/", id="escapes and slashes"),
        pytest.param("/api/v1/nodes/n1/proxy/metrics/cadvisor", "/metrics/cadvisor", id="of a node"),
        pytest.param("/api/v1/nodes/n1/proxy", "", id="nothing of a node"),
    ],
)
def test_remaining_path(path: str, rest: str) -> None:
    assert remaining_path(path) == rest
