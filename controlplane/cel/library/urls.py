"""URLs, absolute or with an absolute path, as Go's url.ParseRequestURI takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from controlplane.cel import costs, types
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.types import BOOL, STRING, Type

URL_TYPE = Type("kubernetes.URL")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Url:
    parts: SplitResult
    cel_type: ClassVar[Type] = URL_TYPE

    @property
    def host(self) -> str:
        return self.parts.netloc.rpartition("@")[2]

    @property
    def hostname(self) -> str:
        host = self.host
        if host.startswith("["):
            return host[1:].partition("]")[0]
        return host.partition(":")[0]

    @property
    def port(self) -> str:
        return self.host.rpartition("]")[2].partition(":")[2]


def parse_url(text: str) -> Url:
    """Raises EvaluationError."""

    def wrong(why: str) -> EvaluationError:
        return EvaluationError(f'URL parse error during conversion from string: parse "{text}": {why}')

    if not text:
        raise wrong("empty url")
    if any(ord(one) < 0x20 or ord(one) == 0x7F for one in text):
        raise wrong("net/url: invalid control character in URL")
    if not (text.startswith("/") or _SCHEME.match(text)):
        raise wrong("missing protocol scheme" if text.startswith(":") else "invalid URI for request")
    if bad := _BAD_ESCAPE.search(text.partition("?")[0]):
        raise wrong(f'invalid URL escape "{bad.group()}"')
    try:
        parts = urlsplit(text, allow_fragments=False)
        parts.port  # noqa: B018  it is read to be checked
    except ValueError as error:
        raise wrong(str(error)) from error
    if not text.startswith("/") and not parts.netloc and not parts.path.startswith("/"):
        raise wrong("invalid URI for request")
    if " " in parts.netloc:
        raise wrong('invalid character " " in host name')
    return Url(parts)


def is_url(text: str) -> bool:
    try:
        parse_url(text)
    except EvaluationError:
        return False
    return True


def _escaped_path(url: Url) -> str:
    return quote(unquote(url.parts.path), safe="/:@!$&'()*+,;=-._~") if url.parts.path else ""


def add_to(functions: Functions) -> None:
    functions.knows(URL_TYPE, Url)
    queries = types.map_of(STRING, types.list_of(STRING))
    functions.add("url", function(STRING, gives=URL_TYPE), parse_url, costs.of_first)
    functions.add("isURL", function(STRING, gives=BOOL), is_url, costs.of_first)
    functions.add("getScheme", method(URL_TYPE, gives=STRING), lambda url: url.parts.scheme)
    functions.add("getHost", method(URL_TYPE, gives=STRING), lambda url: url.host)
    functions.add("getHostname", method(URL_TYPE, gives=STRING), lambda url: url.hostname)
    functions.add("getPort", method(URL_TYPE, gives=STRING), lambda url: url.port)
    functions.add("getEscapedPath", method(URL_TYPE, gives=STRING), _escaped_path)
    functions.add(
        "getQuery", method(URL_TYPE, gives=queries), lambda url: parse_qs(url.parts.query, keep_blank_values=True)
    )
