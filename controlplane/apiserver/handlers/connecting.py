"""Admission of connections: exec, attach, port-forward and proxies, whose query is shown to policy as an object."""

from __future__ import annotations

from controlplane.admission.interface import Operation
from controlplane.admission.subresources import CONNECTED
from controlplane.api.codec import Document
from controlplane.apiserver.calls import Call
from controlplane.apiserver.handlers.admitting import admit, attributes_of
from controlplane.apiserver.messages import Query

_FLAGS = ("stdin", "stdout", "stderr", "tty")


async def admit_connection(call: Call) -> None:
    """Let policy look at a connection before it is made. Raises StatusError."""
    info = call.info
    kind = CONNECTED.get((info.resource, info.subresource), "")
    options = connection_options(kind, call.request.query, info.tail)
    await admit(call, attributes_of(call, Operation.CONNECT, options))


def connection_options(kind: str, query: Query, path: str) -> Document | None:
    """Return the options of a connection, PodExecOptions and the like, as they are in its query."""
    if not kind:
        return None
    options: Document = {"kind": kind, "apiVersion": "v1"}
    if kind.endswith("ProxyOptions"):
        options["path"] = f"/{path}"
    elif kind == "PodPortForwardOptions":
        options["ports"] = [int(one) for text in query.all("ports") for one in text.split(",") if one.isdigit()]
    else:
        options |= {flag: True for flag in _FLAGS if query.flag(flag)}
        if container := query.get("container"):
            options["container"] = container
        if kind == "PodExecOptions":
            options["command"] = query.all("command")
    return options
