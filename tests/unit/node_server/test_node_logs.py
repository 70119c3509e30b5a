"""Which part of a log is shown, and whose."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.core_v1 import (
    Container,
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
    Pod,
    PodSpec,
    PodStatus,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.clock import SystemClock
from controlplane.kit.timestamps import parse_time
from nodeagent.kernel.inotify import Inotify
from nodeagent.pods.logs import Entry, MalformedLog, parse_entry, tail_offset, tail_text
from nodeagent.server.access import attributes_of
from nodeagent.server.beneath import Outside
from nodeagent.server.log_options import BadLogRequest, LogOptions, Renderer, choose_run, parse_options
from nodeagent.server.log_reader import read_log
from nodeagent.server.log_search import since_offset

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
_STAMP = "2026-11-21T11:59:50.123456789Z"


def _line(text: str, *, tag: str = "F", stream: str = "stdout", stamp: str = _STAMP) -> bytes:
    return f"{stamp} {stream} {tag} {text}\n".encode()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(_line("hello world"), Entry(_STAMP, "stdout", b"hello world\n"), id="a line"),
        pytest.param(_line("part", tag="P"), Entry(_STAMP, "stdout", b"part"), id="a part of one"),
        pytest.param(_line("", stream="stderr"), Entry(_STAMP, "stderr", b"\n"), id="an empty line"),
    ],
)
def test_parse_entry(line: bytes, expected: Entry) -> None:
    assert parse_entry(line) == expected


@pytest.mark.parametrize("line", [b"", b"\n", b"hello\n", b"2026 stdin F x\n", _line("cut off")[:-1]])
def test_what_is_no_entry(line: bytes) -> None:
    with pytest.raises(MalformedLog):
        parse_entry(line)


@given(
    st.lists(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=30), max_size=20),
    st.integers(0, 25),
)
def test_tail_is_the_last_lines(tmp_path_factory: pytest.TempPathFactory, texts: list[str], count: int) -> None:
    path = tmp_path_factory.mktemp("log") / "0.log"
    lines = [_line(text) for text in texts]
    path.write_bytes(b"".join(lines))
    assert path.read_bytes()[tail_offset(path, count) :] == b"".join(lines[-count:] if count else [])


def test_tail_of_a_large_file(tmp_path: Path) -> None:
    lines = [_line(f"{number} {'x' * 100}") for number in range(5000)]
    (tmp_path / "log").write_bytes(b"".join(lines))
    assert (tmp_path / "log").read_bytes()[tail_offset(tmp_path / "log", 1500) :] == b"".join(lines[-1500:])


def test_tail_text(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(_line("one") + _line("two") + _line("three"))
    assert tail_text(tmp_path / "log", lines=2, limit=100) == "two\nthree\n"
    assert tail_text(tmp_path / "log", lines=2, limit=4) == "ree\n"
    assert tail_text(tmp_path / "none", lines=2, limit=4) == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(LogOptions(), b"one\ntwo\n", id="everything"),
        pytest.param(LogOptions(timestamps=True), f"{_STAMP} one\n{_STAMP} two\n".encode(), id="with times"),
        pytest.param(LogOptions(limit_bytes=5), b"one\nt", id="so many bytes"),
        pytest.param(LogOptions(since=NOW), b"", id="nothing as new as that"),
        pytest.param(LogOptions(stream="stderr"), b"", id="the other stream"),
    ],
)
def test_renderer(options: LogOptions, expected: bytes) -> None:
    renderer = Renderer(options)
    assert b"".join(renderer.render(parse_entry(_line(text))) for text in ("one", "two")) == expected


def test_the_parts_of_a_line_have_one_time() -> None:
    renderer = Renderer(LogOptions(timestamps=True))
    entries = [parse_entry(_line("a", tag="P")), parse_entry(_line("b"))]
    assert b"".join(map(renderer.render, entries)) == f"{_STAMP} ab\n".encode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, LogOptions()),
        ({"follow": "true", "previous": "1"}, LogOptions(follow=True, previous=True)),
        ({"tailLines": "0", "limitBytes": "7"}, LogOptions(tail_lines=0, limit_bytes=7)),
        ({"sinceTime": "2026-11-21T12:00:00Z"}, LogOptions(since=NOW)),
    ],
)
def test_parse_options(query: dict[str, str], expected: LogOptions) -> None:
    assert parse_options(query, NOW) == expected


@pytest.mark.parametrize("query", [{"tailLines": "x"}, {"tailLines": "-1"}, {"limitBytes": "0"}, {"sinceTime": "now"}])
def test_options_that_make_no_sense(query: dict[str, str]) -> None:
    with pytest.raises(BadLogRequest):
        parse_options(query, NOW)


_RUNNING = ContainerState(running=ContainerStateRunning())
_ENDED = ContainerState(terminated=ContainerStateTerminated(container_id="containerd://old"))


def _waiting(reason: str) -> ContainerState:
    return ContainerState(waiting=ContainerStateWaiting(reason=reason))


def _choose(state: ContainerState, last: ContainerState, *, previous: bool = False, name: str = "c") -> str:
    status = ContainerStatus(name="c", container_id="containerd://now", state=state, last_state=last)
    pod = Pod(metadata=ObjectMeta(name="p"), spec=PodSpec(containers=[Container(name="c"), Container(name="d")]))
    return choose_run(pod, PodStatus(container_statuses=[status]), name, previous=previous)


@pytest.mark.parametrize(
    ("state", "last", "previous", "expected"),
    [
        pytest.param(_RUNNING, ContainerState(), False, "now", id="what runs"),
        pytest.param(_RUNNING, _ENDED, True, "old", id="what ran before"),
        pytest.param(_waiting("CrashLoopBackOff"), _ENDED, False, "old", id="what ran before it had to wait"),
    ],
)
def test_choose_run(state: ContainerState, last: ContainerState, previous: bool, expected: str) -> None:
    assert _choose(state, last, previous=previous) == expected


@pytest.mark.parametrize(
    ("state", "previous", "name", "message"),
    [
        pytest.param(_RUNNING, True, "c", 'previous terminated container "c" in pod "p" not found', id="no other run"),
        pytest.param(
            _waiting("ContainerCreating"), False, "c", "is waiting to start: ContainerCreating", id="not started"
        ),
        pytest.param(
            _waiting("ImagePullBackOff"),
            False,
            "c",
            "waiting to start: trying and failing to pull image",
            id="no image",
        ),
        pytest.param(_RUNNING, False, "d", 'container "d" in pod "p" is not available', id="no status"),
        pytest.param(_RUNNING, False, "x", "container x is not valid for pod p", id="no such container"),
    ],
)
def test_no_run_to_choose(state: ContainerState, previous: bool, name: str, message: str) -> None:
    with pytest.raises(BadLogRequest, match=message):
        _choose(state, ContainerState(), previous=previous, name=name)


async def test_following_sees_what_is_added_and_what_comes_after_rotation(tmp_path: Path) -> None:
    path, inotify, over = tmp_path / "0.log", Inotify(), False
    path.write_bytes(_line("one"))
    seen: list[bytes] = []

    async def follow() -> None:
        options = LogOptions(follow=True)
        log = read_log(path, options, root=tmp_path, ended=lambda: over, inotify=inotify, clock=SystemClock())
        async for data in log:
            seen.append(data)  # noqa: PERF401 what has come so far is looked at meanwhile

    async def until(count: int) -> None:
        async with asyncio.timeout(10):
            while b"".join(seen).count(b"\n") < count:  # noqa: ASYNC110 a file is waited for
                await asyncio.sleep(0.005)

    following = asyncio.create_task(follow())
    await until(1)
    with path.open("ab") as file:
        file.write(_line("two"))
    await until(2)
    path.rename(tmp_path / "0.log.1")
    path.write_bytes(_line("three"))
    await until(3)
    over = True
    await following
    inotify.close()
    assert b"".join(seen) == b"one\ntwo\nthree\n"


async def test_a_log_that_has_become_a_link_is_not_read(tmp_path: Path) -> None:
    secret, logs = tmp_path / "secret", tmp_path / "logs"
    secret.write_bytes(_line("root:x"))
    logs.mkdir()
    (logs / "0.log").symlink_to(secret)
    inotify = Inotify()
    with pytest.raises(Outside):
        async for _ in read_log(
            logs / "0.log", LogOptions(), root=logs, ended=lambda: True, inotify=inotify, clock=SystemClock()
        ):
            pass
    inotify.close()


async def test_a_file_without_lines_does_not_fill_memory(tmp_path: Path) -> None:
    (tmp_path / "0.log").write_bytes(b"x" * 8_000_000 + b"\n" + _line("last"))
    inotify = Inotify()
    log = read_log(
        tmp_path / "0.log", LogOptions(), root=tmp_path, ended=lambda: True, inotify=inotify, clock=SystemClock()
    )
    assert b"".join([data async for data in log]) == b"last\n"
    inotify.close()


# Where reading begins


class _CountingFile(io.BytesIO):
    """Counts the bytes that are read of it."""

    count = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.count += len(line)
        return line


def _stamped(second: int, text: str = "") -> bytes:
    return _line(text, stamp=f"{NOW + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}.123456789Z")


@pytest.mark.parametrize("since", [-5, 0, 1, 12_345, 39_999, 50_000])
def test_since_is_found_without_reading_the_log(since: int) -> None:
    file = _CountingFile(b"".join(_stamped(second, "x" * 100) for second in range(40_000)))
    moment = NOW + timedelta(seconds=since)
    offset = since_offset(file, moment)
    file.seek(0)
    before, after = file.read(offset), file.read()
    assert not before or before.endswith(b"\n")
    assert all(parse_time(parse_entry(line + b"\n").timestamp) < moment for line in before.splitlines())
    assert len(after) < 200_000 or since < 39_000
    passed_over = [line for line in after.splitlines() if parse_time(parse_entry(line + b"\n").timestamp) < moment]
    assert sum(map(len, passed_over)) < 200_000
    assert file.count < 10_000


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"no entry\n" * 20_000, id="lines that are none"),
        pytest.param(b"x" * 300_000 + b"\n", id="a line without end"),
        pytest.param(b"yesterday stdout F x\n" * 10_000, id="times that are none"),
    ],
)
def test_since_in_a_log_with_noise(noise: bytes) -> None:
    first, second = (b"".join(map(_stamped, range(start, start + 3000))) for start in (0, 3000))
    file = io.BytesIO(first + noise + second)
    for at in (10, 2999, 3001, 5999):
        offset = since_offset(file, NOW + timedelta(seconds=at))
        file.seek(offset)
        assert _stamped(at) in file.read()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(LogOptions(since=NOW + timedelta(seconds=19_998)), [19_998, 19_999], id="since"),
        pytest.param(LogOptions(tail_lines=1), [19_999], id="tail"),
        pytest.param(LogOptions(tail_lines=1, since=NOW), [19_999], id="the later of both"),
        pytest.param(LogOptions(tail_lines=9, since=NOW + timedelta(seconds=19_998)), [19_998, 19_999], id="the other"),
    ],
)
async def test_the_end_of_a_long_log(tmp_path: Path, options: LogOptions, expected: list[int]) -> None:
    (tmp_path / "0.log").write_bytes(b"".join(_stamped(second, str(second)) for second in range(20_000)))
    inotify = Inotify()
    log = read_log(tmp_path / "0.log", options, root=tmp_path, ended=lambda: True, inotify=inotify, clock=SystemClock())
    assert [int(line) for line in b"".join([data async for data in log]).split()] == expected
    inotify.close()


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/containerLogs/d/p/c", [("get", "proxy")]),
        ("GET", "/metrics/cadvisor", [("get", "metrics")]),
        ("GET", "/stats/summary", [("get", "stats")]),
        ("GET", "/pods", [("get", "pods"), ("get", "proxy")]),
        ("GET", "/exec/d/p/c", [("create", "proxy")]),
        ("POST", "/run/d/p/c", [("create", "proxy")]),
        ("GET", "/logs/syslog", [("get", "log")]),
        ("GET", "/metrics/../logs/syslog", [("get", "metrics")]),
        ("GET", "/healthz/syncloop", [("get", "healthz"), ("get", "proxy")]),
        ("GET", "/configz", [("get", "configz"), ("get", "proxy")]),
    ],
)
def test_access(method: str, path: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.verb, one.subresource) for one in attributes_of(method, path, "n1")] == expected
