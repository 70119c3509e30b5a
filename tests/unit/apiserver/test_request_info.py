"""Upstream's URL grammar."""

from __future__ import annotations

import pytest

from controlplane.apiserver.messages import Query
from controlplane.apiserver.request_info import RequestInfo, parse_request_info


def described(info: RequestInfo) -> str:
    """verb group/version resource/subresource namespace/name"""
    resource = f"{info.resource}/{info.subresource}".rstrip("/")
    return f"{info.verb} {info.group}/{info.version} {resource} {info.namespace}/{info.name}"


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        pytest.param("GET", "/api/v1/namespaces/shop/pods", "list /v1 pods shop/", id="list"),
        pytest.param("GET", "/api/v1/namespaces/shop/pods/web", "get /v1 pods shop/web", id="get"),
        pytest.param("HEAD", "/api/v1/namespaces/shop/pods/web", "get /v1 pods shop/web", id="head"),
        pytest.param("GET", "/api/v1/pods", "list /v1 pods /", id="all namespaces"),
        pytest.param("GET", "/api/v1/pods?watch=1", "watch /v1 pods /", id="watch"),
        pytest.param("GET", "/api/v1/pods?watch=false", "list /v1 pods /", id="not a watch"),
        pytest.param("GET", "/api/v1/watch/namespaces/shop/pods", "watch /v1 pods shop/", id="watch of old"),
        pytest.param("POST", "/api/v1/namespaces/shop/pods", "create /v1 pods shop/", id="create"),
        pytest.param("PUT", "/api/v1/namespaces/shop/pods/web", "update /v1 pods shop/web", id="update"),
        pytest.param("PATCH", "/apis/apps/v1/namespaces/a/daemonsets/d", "patch apps/v1 daemonsets a/d", id="patch"),
        pytest.param("DELETE", "/api/v1/namespaces/shop/pods/web", "delete /v1 pods shop/web", id="delete"),
        pytest.param("DELETE", "/api/v1/namespaces/shop/pods", "deletecollection /v1 pods shop/", id="all"),
        pytest.param("GET", "/api/v1/namespaces", "list /v1 namespaces /", id="namespaces"),
        pytest.param("GET", "/api/v1/namespaces/shop", "get /v1 namespaces shop/shop", id="a namespace"),
        pytest.param("PUT", "/api/v1/namespaces/shop/finalize", "update /v1 namespaces/finalize shop/shop", id="end"),
        pytest.param("POST", "/api/v1/namespaces/shop/pods/web/exec", "create /v1 pods/exec shop/web", id="exec"),
        pytest.param("GET", "/api/v1/nodes/n1/proxy/a/b", "get /v1 nodes/proxy /n1", id="proxy"),
        pytest.param(
            "GET", "/api/v1/namespaces/shop/secrets?fieldSelector=metadata.name%3Ds", "list /v1 secrets shop/s",
            id="a list of one",
        ),
        pytest.param(
            "DELETE", "/api/v1/namespaces/shop/pods?fieldSelector=metadata.name%3Ds", "deletecollection /v1 pods shop/",
            id="deleting a list of one is not deleting one",
        ),
    ],
)  # fmt: skip
def test_resource_requests(method: str, target: str, expected: str) -> None:
    path, _, query = target.partition("?")
    info = parse_request_info(method, path, Query(query))
    assert info.is_resource
    assert described(info) == expected


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1", "/metrics"]
)
def test_other_requests(path: str) -> None:
    info = parse_request_info("GET", path, Query(""))
    assert (info.is_resource, info.verb, info.path) == (False, "get", path)


def test_what_follows_a_proxy_is_kept() -> None:
    assert parse_request_info("GET", "/api/v1/nodes/n1/proxy/metrics/cadvisor", Query("")).tail == "metrics/cadvisor"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        pytest.param("GET", "/api/v1/pods", "cluster", id="cluster"),
        pytest.param("GET", "/api/v1/namespaces/shop/pods", "namespace", id="namespace"),
        pytest.param("GET", "/api/v1/namespaces/shop/pods/web", "resource", id="object"),
        pytest.param("POST", "/api/v1/namespaces/shop/pods", "resource", id="create"),
        pytest.param("GET", "/healthz", "", id="no resource"),
    ],
)
def test_scope(method: str, path: str, scope: str) -> None:
    assert parse_request_info(method, path, Query("")).scope == scope
