"""What the first line of a request asks for: `/api/v1/pods?limit=5` is a path, its escapes undone, and a query."""

from __future__ import annotations

from yarl import URL


def split_target(method: str, target: str) -> tuple[str, str]:
    """Return the path and the query of a request target. Raises ValueError for one that is none.

    Nothing is tidied up: dots, double slashes and escapes that are no UTF-8 stay, so that a path has one meaning only.
    """
    if target[:1] == "/":
        if "#" in target:
            target = _without_fragment(target)
        path, _, query = target.partition("?")
        return (URL.build(path=path, encoded=True).path if "%" in path else path), query
    if target == "*" and method == "OPTIONS":
        return target, ""
    url = URL(target, encoded=True)  # as a proxy is asked: http://host/path, RFC 9112 section 3.2.2
    if not url.raw_host:
        raise ValueError("neither a path nor a URL")
    return url.relative().path, url.raw_query_string


def _without_fragment(target: str) -> str:
    """Return a target without what no client should send; a number sign before the query is part of the path."""
    path, mark, query = target.partition("?")
    return f"{path}?{query.partition('#')[0]}" if mark else path.partition("#")[0]
