"""Requests that mean nothing, that come too late, or that are no HTTP at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.served import Caller

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


@pytest.fixture(scope="module", autouse=True)
def there(ask: Caller) -> Any:
    """Put a ConfigMap there, which no request of this module changes."""
    made = ask("POST", MAPS, {"metadata": {"name": "there"}, "data": {"a": "b"}}).body
    yield
    assert ask("GET", f"{MAPS}/there").body == made


NO_SUCH_PATH = "the server could not find the requested resource"
NOT_ALLOWED = "the server does not allow this method on the requested resource"


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        pytest.param("GET", "/api/v1/foos", 404, NO_SUCH_PATH, id="unknown resource"),
        pytest.param("GET", "/apis/foo.io/v1/bars", 404, NO_SUCH_PATH, id="unknown group"),
        pytest.param("GET", "/apis/apps/v9/deployments", 404, NO_SUCH_PATH, id="unknown version"),
        pytest.param("GET", "/foo", 404, NO_SUCH_PATH, id="unknown path"),
        pytest.param("GET", f"{PODS}/x/foo", 404, NO_SUCH_PATH, id="unknown subresource"),
        pytest.param("GET", f"{MAPS}/a%2Fb", 404, NO_SUCH_PATH, id="a slash in a name"),
        pytest.param("GET", f"{MAPS}/a%00b", 404, "not found", id="a NUL in a name"),
        pytest.param("GET", f"{MAPS}/%ff%fe", 404, "not found", id="a name that is no text"),
        pytest.param("GET", f"{MAPS}/{'a' * 5000}", 404, "not found", id="a long name"),
        pytest.param("PUT", MAPS, 405, NOT_ALLOWED, id="put a collection"),
        pytest.param("PATCH", MAPS, 405, NOT_ALLOWED, id="patch a collection"),
        pytest.param("POST", f"{MAPS}/there", 405, NOT_ALLOWED, id="create with a name"),
        pytest.param("POST", "/api/v1/configmaps", 405, NOT_ALLOWED, id="create in no namespace"),
        pytest.param("GET", "/api/v1/namespaces/default/bindings", 405, NOT_ALLOWED, id="list what is not stored"),
        pytest.param("POST", "/version", 405, NOT_ALLOWED, id="create the version"),
        pytest.param("TRACE", MAPS, 405, NOT_ALLOWED, id="trace"),
        pytest.param("OPTIONS", MAPS, 405, NOT_ALLOWED, id="options"),
        pytest.param("BREW", MAPS, 405, "405 Method Not Allowed", id="a method nobody knows"),
    ],
)
def test_paths_and_verbs(ask: Caller, method: str, path: str, status: int, says: str) -> None:
    told = ask(method, path)
    assert told.status == status
    assert says in told.message


def test_a_header_does_not_change_the_method(ask: Caller) -> None:
    told = ask("POST", f"{MAPS}/there", headers={"X-HTTP-Method-Override": "DELETE"})
    assert told.status == 405


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        pytest.param({"limit": "x"}, 400, 'strconv.ParseInt: parsing "x": invalid syntax', id="limit"),
        pytest.param({"limit": "9" * 20}, 400, "value out of range", id="a limit beyond numbers"),
        pytest.param({"timeoutSeconds": "x"}, 400, "strconv.ParseInt", id="timeout"),
        pytest.param({"continue": "garbage"}, 400, "continue key is not valid", id="continue"),
        pytest.param({"continue": "e30"}, 400, "continue key is not valid", id="an empty token"),
        pytest.param({"labelSelector": "a in ("}, 400, "unable to parse requirement", id="an open bracket"),
        pytest.param({"labelSelector": "=="}, 400, "unable to parse requirement", id="no key"),
        pytest.param({"labelSelector": "a=b c"}, 400, "found 'c', expected: ','", id="two values"),
        pytest.param({"fieldSelector": "a"}, 400, "invalid selector: 'a'; can't understand 'a'", id="no operator"),
        pytest.param({"fieldSelector": "x=y"}, 400, '"x" is not a known field selector', id="unknown field"),
        pytest.param({"resourceVersion": "abc"}, 400, 'resourceVersion: Invalid value: "abc"', id="version"),
        pytest.param({"resourceVersion": "-1"}, 400, "invalid syntax", id="a version before all"),
        pytest.param({"watch": "1", "resourceVersion": "abc"}, 400, "resourceVersion", id="watch a version"),
        pytest.param({"resourceVersionMatch": "Exact"}, 422, "forbidden unless resourceVersion", id="match of nothing"),
        pytest.param({"resourceVersion": "1", "resourceVersionMatch": "Most"}, 422, "Unsupported value", id="match"),
        pytest.param({"sendInitialEvents": "true"}, 422, "sendInitialEvents is forbidden for list", id="list as watch"),
        pytest.param({"watch": "1", "sendInitialEvents": "true"}, 422, "requires setting", id="watch as list"),
    ],
)
def test_questions(ask: Caller, query: dict[str, str], status: int, says: str) -> None:
    told = ask("GET", MAPS, **query)
    assert (told.status, says in told.message) == (status, True), told.message


def test_fields_of_kinds_with_fields_of_their_own(ask: Caller) -> None:
    assert ask("GET", PODS, fieldSelector="spec.foo=1").message == "field label not supported: spec.foo"
    assert ask("GET", PODS, fieldSelector="spec.host=n1").status == 200  # an old name of spec.nodeName


def test_no_limit(ask: Caller) -> None:
    told = ask("GET", MAPS, limit="-1")
    assert (told.status, len(told.body["items"]), "continue" in told.body["metadata"]) == (200, 1, False)


@pytest.mark.parametrize(
    ("method", "change", "status", "says"),
    [
        pytest.param("PUT", {"resourceVersion": "1"}, 409, "the object has been modified", id="stale"),
        pytest.param("PUT", {"resourceVersion": "abc"}, 422, "must be an unsigned integer", id="no version"),
        pytest.param("PUT", {"uid": "x"}, 409, "Precondition failed: UID in precondition: x", id="another uid"),
        pytest.param("PUT", {"name": "other"}, 400, "does not match the name on the URL (there)", id="another name"),
        pytest.param("PUT", {"namespace": "other"}, 400, "does not match the namespace", id="another namespace"),
        pytest.param("PATCH", {"resourceVersion": "1"}, 409, "the object has been modified", id="patch a stale one"),
        pytest.param("PATCH", {"name": "other"}, 400, "does not match the name on the URL", id="patch the name"),
        pytest.param("PATCH", {"uid": "x"}, 409, "Precondition failed", id="patch the uid"),
    ],
)
def test_stale_and_misplaced(ask: Caller, method: str, change: dict[str, str], status: int, says: str) -> None:
    metadata = {"name": "there", **change} if method == "PUT" else change
    told = ask(method, f"{MAPS}/there", {"metadata": metadata}, content_type=MERGE if method == "PATCH" else "")
    assert (told.status, says in told.message) == (status, True), told.message


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_what_is_not_there(ask: Caller, method: str) -> None:
    body = None if method == "GET" else {}
    told = ask(method, f"{MAPS}/missing", body, content_type=MERGE if method == "PATCH" else "application/json")
    assert (told.status, told.reason, told.message) == (404, "NotFound", 'configmaps "missing" not found')


@pytest.mark.parametrize(
    ("path", "body", "query", "status", "says"),
    [
        pytest.param(f"{MAPS}/there", {"preconditions": {"uid": "x"}}, {}, 409, "UID in precondition: x", id="uid"),
        pytest.param(
            f"{MAPS}/there", {"preconditions": {"resourceVersion": "1"}}, {}, 409, "Precondition", id="version"
        ),
        pytest.param(MAPS, {"preconditions": {"uid": "x"}}, {}, 409, "UID in precondition: x", id="uid of many"),
        pytest.param(MAPS, None, {"labelSelector": "a in ("}, 400, "unable to parse", id="a selection of many"),
        pytest.param(f"{MAPS}/there", b"{", {}, 400, "DeleteOptions", id="half a body"),
        pytest.param(f"{MAPS}/there", {"kind": "Pod"}, {}, 400, "DeleteOptions", id="a pod for options"),
        pytest.param(f"{MAPS}/there", None, {"gracePeriodSeconds": "x"}, 400, "ParseInt", id="grace"),
        pytest.param(f"{MAPS}/there", None, {"propagationPolicy": "x"}, 422, "Unsupported value", id="policy"),
        pytest.param(f"{MAPS}/there", None, {"dryRun": "x"}, 422, "Unsupported value", id="dry run"),
    ],
)
def test_deletes(ask: Caller, path: str, body: Any, query: dict[str, str], status: int, says: str) -> None:
    told = ask("DELETE", path, body, **query)
    assert (told.status, says in told.message) == (status, True), told.message


def test_accept(ask: Caller) -> None:
    assert ask("GET", MAPS, headers={"Accept": "text/html"}).status == 406
    assert ask("GET", MAPS, headers={"Accept": "text/html, */*"}).status == 200


HEAD = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(
            b"GET /api" + HEAD + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 60_000) for n in range(20)) + b"\r\n",
            431,
            id="large headers",
        ),
        pytest.param(b"GET /api" + HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n", 431, id="a large header"),
        pytest.param(
            b"GET /api" + HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(5000)) + b"\r\n",
            431,
            id="a flood of headers",
        ),
        pytest.param(b"GET /" + b"a" * 200_000 + HEAD + b"\r\n", 431, id="a long path"),
        pytest.param(b"\x16\x03\x01\x00\xa5\r\n\r\n", 400, id="TLS in TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="HTTP/2"),
        pytest.param(b"GET /api HTTP/9.9\r\nHost: x\r\n\r\n", 400, id="HTTP of another age"),
        pytest.param(b"GET /api HTTP/1.1\r\n\r\n", 400, id="no host"),
        pytest.param(b"GET /api" + HEAD + b"X: a\x00b\r\n\r\n", 400, id="a NUL in a header"),
        pytest.param(b"POST /api" + HEAD + b"Content-Length: x\r\n\r\n", 400, id="a length that is no number"),
        pytest.param(
            b"POST /api" + HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            id="two lengths",
        ),
        pytest.param(
            b"POST " + MAPS.encode() + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
            400,
            id="a broken chunk",
        ),
        pytest.param(
            b"POST " + MAPS.encode() + HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            400,
            id="what is no gzip",
        ),
    ],
)
def test_no_http(ask: Caller, sent: bytes, status: int) -> None:
    told = ask.raw(sent)
    assert told.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status)), told[:200]
    assert b"Traceback" not in told


@pytest.mark.parametrize("name", ["Impersonate-User", "Audit-ID", "User-Agent", "Authorization", "Accept"])
def test_a_header_that_is_no_text_is_read_as_one(ask: Caller, name: str) -> None:
    told = ask.raw(b"GET " + MAPS.encode() + HEAD + name.encode() + b": \xff\r\nConnection: close\r\n\r\n")
    assert b" 500 " not in told.partition(b"\r\n")[0], told[:200]
    assert told.startswith(b"HTTP/1.1 ")
    if name == "Impersonate-User":
        assert 'User \\"\N{REPLACEMENT CHARACTER}\\" cannot list'.encode() in told
