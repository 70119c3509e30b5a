"""What a request to a pod's log, exec, attach or portforward asks of the node agent: pure translation.

exec?command=ls&stdout=true     /exec/shop/web-0/nginx?command=ls&output=1
log?follow=true&tailLines=5     /containerLogs/shop/web-0/nginx?follow=true&tailLines=5
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from controlplane.api.core_v1 import Pod
from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.status import BadRequest, FieldError, Invalid
from controlplane.apiserver.messages import Query

_STREAMS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))
_LOG_NUMBERS = ("tailLines", "limitBytes", "sinceSeconds")
_LOG_FLAGS = ("follow", "previous", "timestamps")


def container_of(pod: Pod, wanted: str) -> str:
    """Return the container meant, the only one if none is named. Raises BadRequest."""
    spec = pod.spec
    assert spec is not None
    containers = [container.name for container in spec.containers]
    init = [container.name for container in spec.init_containers]
    others = [*init, *(container.name for container in spec.ephemeral_containers)]
    name = pod.metadata.name
    if wanted:
        if wanted in containers or wanted in others:
            return wanted
        raise BadRequest(f"container {wanted} is not valid for pod {name}")
    if len(containers) == 1:
        return containers[0]
    listed = f"choose one of: [{' '.join(containers)}]"
    if init:
        listed += f" or one of the init containers: [{' '.join(init)}]"
    raise BadRequest(f"a container name must be specified for pod {name}, {listed}")


def stream_target(action: str, pod: Pod, query: Query) -> str:
    """Return the node agent's path for exec and attach. Raises BadRequest."""
    container = container_of(pod, query.get("container"))
    pairs = [("command", command) for command in query.all("command")] if action == "exec" else []
    if action == "exec" and not pairs:
        raise BadRequest("you must specify at least 1 command for the container")
    streams = [theirs for ours, theirs in _STREAMS if query.flag(ours)]
    if not set(streams) - {"tty"}:
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    return _path(action, pod, container) + "?" + urlencode([*pairs, *((name, "1") for name in streams)])


def port_forward_target(pod: Pod, query: Query) -> str:
    ports = [("port", port) for port in query.all("ports")]
    return _path("portForward", pod) + ("?" + urlencode(ports) if ports else "")


def forwarded_ports(query: Query) -> list[int]:
    """Return the ports that a request names, several in one parameter or not. Raises BadRequest."""
    ports = [port for text in query.all("ports") for port in text.split(",") if port]
    for port in ports:
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise BadRequest(f'invalid port "{port}"')
    return [int(port) for port in ports]


def log_target(pod: Pod, query: Query) -> str:
    """Return the node agent's path for logs. Raises BadRequest, Invalid."""
    _check_log_options(query)
    container = container_of(pod, query.get("container"))
    pairs = [(flag, "true") for flag in _LOG_FLAGS if query.flag(flag)]
    pairs += [(name, query.get(name)) for name in (*_LOG_NUMBERS, "sinceTime", "stream") if query.get(name)]
    return _path("containerLogs", pod, container) + ("?" + urlencode(pairs) if pairs else "")


def _path(action: str, pod: Pod, container: str = "") -> str:
    parts = [action, pod.metadata.namespace, pod.metadata.name, container]
    return "/" + "/".join(quote(part, safe="") for part in parts if part)


def _check_log_options(query: Query) -> None:
    errors = []
    for name, least in (("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)):
        text = query.get(name)
        if not text:
            continue
        try:
            number = int(text)
        except ValueError as error:
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error
        if number < least:
            why = "must be greater than or equal to 0" if least == 0 else "must be greater than 0"
            errors.append(FieldError("FieldValueInvalid", name, f"Invalid value: {number}: {why}"))
    if query.get("sinceSeconds") and query.get("sinceTime"):
        why = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        errors.append(FieldError("FieldValueForbidden", "", why))
    if errors:
        causes = [StatusCause(reason=e.reason, field=e.path, message=e.message) for e in errors]
        texts = ", ".join(error.text for error in errors)
        raise Invalid(
            f'PodLogOptions "" is invalid: {texts if len(errors) == 1 else f"[{texts}]"}',
            details=StatusDetails(kind="PodLogOptions", causes=causes),
        )
