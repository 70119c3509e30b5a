"""Links in the answers of a proxied server: those that mean the server itself must lead back through the proxy.

prefix /api/v1/namespaces/shop/services/web:80/proxy, answer of 10.244.1.7:8080:
/login                         /api/v1/namespaces/shop/services/web:80/proxy/login
http://10.244.1.7:8080/login   the same
http://example.com/login       as it is, and so is login
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Where a proxied server is, from both sides."""

    prefix: str  # the caller's path up to where the server's own begins
    host: str  # host[:port] that was dialled
    asked_host: str  # and the one that the caller's Host header named

    def url(self, url: str) -> str:
        """Return a link as it must be for the caller to follow it."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return url  # not a link that anybody could follow
        elsewhere = parts.netloc not in ("", self.host, self.asked_host)
        if elsewhere or not parts.path.startswith("/"):
            return url
        path = parts.path if parts.path.startswith(self.prefix) else self.prefix + parts.path
        return urlunsplit(("", "", path, parts.query, parts.fragment))

    def html(self, page: str) -> str:
        """Return a page with its links rewritten; everything else stays as it was, byte for byte."""
        return _TAG.sub(lambda tag: _rewritten_tag(tag, self.url), page)


# HTML 4's and 5's attributes whose value is a URL, by tag.
_LINKS = {
    "a": {"href"}, "applet": {"codebase"}, "area": {"href"}, "audio": {"src"}, "base": {"href"},
    "blockquote": {"cite"}, "body": {"background"}, "button": {"formaction"}, "command": {"icon"}, "del": {"cite"},
    "embed": {"src"}, "form": {"action"}, "frame": {"longdesc", "src"}, "head": {"profile"}, "html": {"manifest"},
    "iframe": {"longdesc", "src"}, "img": {"longdesc", "src", "usemap"}, "input": {"src", "usemap", "formaction"},
    "ins": {"cite"}, "link": {"href"}, "object": {"classid", "codebase", "data", "usemap"}, "q": {"cite"},
    "script": {"src"}, "source": {"src"}, "video": {"poster", "src"},
}  # fmt: skip
# A comment, the text of a script or style, or a start tag; attribute values may hold ">" inside quotes.
_TAG = re.compile(
    r"<!--.*?-->|<(?P<name>[a-zA-Z][a-zA-Z0-9]*)(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s=\"'<>/]+)(?P<is>\s*=\s*)(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'>]+))"
)


def _rewritten_tag(tag: re.Match[str], rewrite: Callable[[str], str]) -> str:
    links = _LINKS.get((tag["name"] or "").lower())
    if not links:
        return tag[0]

    def attribute(found: re.Match[str]) -> str:
        if found["name"].lower() not in links:
            return found[0]
        value = unescape(next(one for one in (found["double"], found["single"], found["bare"]) if one is not None))
        new = rewrite(value)
        return found[0] if new == value else f'{found["name"]}{found["is"]}"{escape(new)}"'

    return f"<{tag['name']}{_ATTRIBUTE.sub(attribute, tag['attributes'])}>"
