"""What part of a log is asked for, and which of an entry's bytes that is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controlplane.api.core_v1 import ContainerStatus, Pod, PodStatus
from controlplane.kit.timestamps import parse_time
from nodeagent.pods.logs import Entry


class BadLogRequest(ValueError):
    """The request cannot be answered; the sentence says why."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """PodLogOptions; None and False are what is not asked for."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail_lines: int | None = None
    limit_bytes: int | None = None
    stream: str = "all"


def parse_options(query: Mapping[str, str], now: datetime) -> LogOptions:
    """Return the options of a query. Raises BadLogRequest."""
    since: datetime | None = None
    if query.get("sinceSeconds"):
        since = now - timedelta(seconds=_number(query, "sinceSeconds", least=1))
    elif query.get("sinceTime"):
        try:
            since = parse_time(query["sinceTime"])
        except ValueError as error:
            raise BadLogRequest(f"invalid sinceTime: {error}") from error
    return LogOptions(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        since=since,
        tail_lines=_number(query, "tailLines", least=0) if query.get("tailLines") else None,
        limit_bytes=_number(query, "limitBytes", least=1) if query.get("limitBytes") else None,
        stream=query.get("stream", "all").lower(),
    )


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "") in ("true", "1", "True")


def _number(query: Mapping[str, str], name: str, *, least: int) -> int:
    try:
        number = int(query[name])
    except ValueError as error:
        raise BadLogRequest(f"invalid {name}: {query[name]!r}") from error
    if number < least:
        raise BadLogRequest(f"invalid {name}: must be greater than or equal to {least}")
    return number


class Renderer:
    """Turns entries into what the client sees."""

    def __init__(self, options: LogOptions):
        self._options = options
        self._left = options.limit_bytes
        self._at_line_start = True

    @property
    def full(self) -> bool:
        """Whether the limit of bytes is reached."""
        return self._left == 0

    def render(self, entry: Entry) -> bytes:
        """Return the bytes of one entry, or none of them."""
        options = self._options
        if options.stream not in ("all", entry.stream):
            return b""
        if options.since is not None and parse_time(entry.timestamp) < options.since:
            return b""
        data = entry.data
        if options.timestamps and self._at_line_start:
            data = entry.timestamp.encode() + b" " + data
        self._at_line_start = entry.data.endswith(b"\n")
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return data


def choose_run(pod: Pod, status: PodStatus, container: str, *, previous: bool) -> str:
    """Return the id of the run of a container whose log is meant. Raises BadLogRequest, in upstream's words."""
    name = pod.metadata.name
    found = _find(status, container)
    if found is None:
        if container in {one.name for one in [*pod.spec.containers, *pod.spec.init_containers]}:
            raise BadLogRequest(f'container "{container}" in pod "{name}" is not available')
        raise BadLogRequest(f"container {container} is not valid for pod {name}")
    state, last = found.state, found.last_state
    before = last.terminated.container_id if last and last.terminated else ""
    if previous:
        if not before:
            raise BadLogRequest(f'previous terminated container "{container}" in pod "{name}" not found')
        return _bare(before)
    if state and (state.running or state.terminated):
        return _bare(found.container_id or (state.terminated.container_id if state.terminated else ""))
    if before:
        return _bare(before)
    reason = state.waiting.reason if state and state.waiting else "ContainerCreating"
    why = {
        "ErrImagePull": "image can't be pulled",
        "ImagePullBackOff": "trying and failing to pull image",
    }.get(reason, reason)
    raise BadLogRequest(f'container "{container}" in pod "{name}" is waiting to start: {why}')


def _find(status: PodStatus, container: str) -> ContainerStatus | None:
    every = [*status.container_statuses, *status.init_container_statuses, *status.ephemeral_container_statuses]
    return next((one for one in every if one.name == container), None)


def _bare(container_id: str) -> str:
    return container_id.removeprefix("containerd://")
