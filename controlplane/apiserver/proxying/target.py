"""What a proxy request means by its name: `web`, `web:80`, `https:web:main`.

services/https:web:main/proxy/path   the Service web, its port called main, spoken to over TLS
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A pod or Service, and how to speak to which of its ports; an empty port is for the object to say."""

    name: str
    port: str = ""
    https: bool = False


def parse_name(text: str) -> Named | None:
    """Return what a name in a path means; None if it means nothing."""
    parts = text.split(":")
    match parts:
        case [name]:
            scheme, port = "", ""
        case [name, port]:
            scheme = ""
        case [scheme, name, port] if scheme in ("", "http", "https"):
            pass
        case _:
            return None
    return Named(name, port, scheme == "https") if name else None


def remaining_path(path: str) -> str:
    """Return what follows `…/proxy` in an escaped path: "" or "/…"; escapes stay as the caller wrote them."""
    # /api/v1/namespaces/NAMESPACE/pods/NAME/proxy, or /api/v1/nodes/NAME/proxy
    segments = path.split("/")
    end = 8 if len(segments) > 3 and segments[3] == "namespaces" else 6
    rest = segments[end:]
    return "/" + "/".join(rest) if rest else ""
