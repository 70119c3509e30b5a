"""What a request line asks for. The paths are those that aiohttp's server gave: authorization has always seen these."""

from __future__ import annotations

import pytest
from yarl import URL

from controlplane.apiserver.http_target import split_target


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        pytest.param("/a", "/a", "", id="plain"),
        pytest.param("/a?", "/a", "", id="an empty query"),
        pytest.param("/a?b?c", "/a", "b?c", id="a question mark in the query"),
        pytest.param("/a?x=%20&y=+", "/a", "x=%20&y=+", id="the query keeps its escapes"),
        pytest.param("/a%2Fb", "/a/b", "", id="a slash"),
        pytest.param("/a%252Fb", "/a%2Fb", "", id="a percent sign is unescaped once"),
        pytest.param("/%41%7e%2e%2E/x", "/A~../x", "", id="dots"),
        pytest.param("/..%2f..", "/../..", "", id="dots and a slash"),
        pytest.param("/a/../b", "/a/../b", "", id="dots are not followed"),
        pytest.param("//a//b", "//a//b", "", id="slashes are not merged"),
        pytest.param("//h/a", "//h/a", "", id="no host without a scheme"),
        pytest.param("//h%2Fb:c/a", "//h/b:c/a", "", id="none with escapes either"),
        pytest.param("/a+b", "/a+b", "", id="plus is plus"),
        pytest.param("/a%2bb", "/a+b", "", id="an escaped plus"),
        pytest.param("/a;b=c", "/a;b=c", "", id="parameters of a path"),
        pytest.param("/%e2%82%ac", "/\u20ac", "", id="UTF-8"),
        pytest.param("/%ff%fe", "/%ff%fe", "", id="no UTF-8"),
        pytest.param("/%E2%82", "/%E2%82", "", id="half a character"),
        pytest.param("/a%C3%28b", "/a%C3(b", "", id="half a character, then another"),
        pytest.param("/a%00b", "/a\x00b", "", id="NUL"),
        pytest.param("/a%0d%0ab", "/a\r\nb", "", id="a line break"),
        pytest.param("/%", "/%", "", id="a lonely percent sign"),
        pytest.param("/%zz", "/%zz", "", id="no escape"),
        pytest.param("/a%2", "/a%2", "", id="half an escape"),
        pytest.param("/a#f", "/a", "", id="a fragment"),
        pytest.param("/a?x=1#f", "/a", "x=1", id="a fragment behind a query"),
        pytest.param("/a#f?x", "/a#f", "x", id="a number sign in a path"),
        pytest.param("http://h/a?b=c", "/a", "b=c", id="as a proxy is asked"),
        pytest.param("http://h", "", "", id="a host alone"),
        pytest.param("http://h?x=1", "", "x=1", id="a host and a query"),
        pytest.param("https://u:p@h:1/a%2Fb/../c?b=c#f", "/a/b/../c", "b=c", id="everything"),
    ],
)
def test_split_target(target: str, path: str, query: str) -> None:
    assert split_target("GET", target) == (path, query)
    if target.startswith("/") and "#" not in target and not target.startswith("//"):
        assert path == URL(target, encoded=True).path


@pytest.mark.parametrize("target", ["*", "a", "?x", "", "mailto:x", "http:///a", "http://[::1/a", "h:443"])
def test_what_is_no_target(target: str) -> None:
    with pytest.raises(ValueError):
        split_target("GET", target)


def test_the_server_itself() -> None:
    assert split_target("OPTIONS", "*") == ("*", "")
