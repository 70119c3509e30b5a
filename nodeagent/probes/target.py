"""Where a probe or hook goes: ports by number or name, URLs, headers."""

from __future__ import annotations

from controlplane.api.base import IntOrString
from controlplane.api.core_v1 import Container, EphemeralContainer, HTTPGetAction

USER_AGENT = "kube-probe/1.37"


class PortNotFound(Exception):
    """The container has no port of this name."""


def port_number(port: IntOrString | None, container: Container | EphemeralContainer) -> int:
    """Return the port a probe means. Raises PortNotFound."""
    if isinstance(port, int):
        return port
    if port and port.isdigit():
        return int(port)
    for one in container.ports:
        if one.name == port and one.container_port is not None:
            return one.container_port
    raise PortNotFound(f"couldn't find port: {port} in container {container.name}")


def http_target(
    action: HTTPGetAction, container: Container | EphemeralContainer, pod_ip: str
) -> tuple[str, list[tuple[str, str]]]:
    """Return the URL and headers of an HTTP probe or hook. Raises PortNotFound."""
    host = action.host or pod_ip
    host = f"[{host}]" if ":" in host else host
    path = action.path if action.path.startswith("/") else f"/{action.path}"
    url = f"{(action.scheme or 'HTTP').lower()}://{host}:{port_number(action.port, container)}{path}"
    given = [(header.name, header.value) for header in action.http_headers]
    names = {name.lower() for name, _ in given}
    added = [pair for pair in (("User-Agent", USER_AGENT), ("Accept", "*/*")) if pair[0].lower() not in names]
    # A header given as empty means: do not send it.
    return url, [(name, value) for name, value in given + added if value]
