"""The small files beside a pod's containers: /etc/hosts, termination messages, links to logs. Blocking, but brief."""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path

from controlplane.api.core_v1 import Container, EphemeralContainer, Pod
from nodeagent.cri.records import Container as Run
from nodeagent.pods import names
from nodeagent.pods.hosts import render_hosts
from nodeagent.pods.logs import tail_text
from nodeagent.pods.sandbox import NodeSettings

_log = logging.getLogger(__name__)

# Upstream's limits: bytes of a message, bytes and lines of a log that stands in for it.
_MESSAGE_BYTES, _LOG_BYTES, _LOG_LINES = 4096, 2048, 80
_LAST_LINES = 5  # ours: of a log that is shown where there is little room


class PodFiles:
    """The files of one pod."""

    def __init__(self, pod: Pod, node: NodeSettings):
        self._pod, self._node = pod, node
        self._directory = node.kubelet_root / "pods" / pod.metadata.uid
        self._logs = names.log_directory(pod, node.logs)

    def write_hosts(self, ips: tuple[str, ...]) -> Path:
        """Write the pod's /etc/hosts, in place: a bind mount follows the file, not its name. Return its path."""
        path = self._directory / "etc-hosts"
        node_hosts = _text(Path("/etc/hosts")) if self._pod.spec.host_network else ""
        text = render_hosts(self._pod, ips, self._node.dns.domain, node_hosts)
        if _text(path) != text:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o644)
        return path

    def make_termination_message(self, container: str, attempt: int) -> Path:
        """Make the empty file in which a run may leave its last words, writable by whoever it runs as."""
        path = self._message_path(container, attempt)
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        path.write_bytes(b"")
        path.chmod(0o666)
        return path

    def termination_message(self, container: Container | EphemeralContainer | None, run: Run) -> str:
        """Return a run's last words: its file, or if it asked for that and failed, the end of its log."""
        message = _head(self._message_path(run.name, run.attempt), _MESSAGE_BYTES)
        policy = container.termination_message_policy if container else ""
        if not message and policy == "FallbackToLogsOnError" and run.exit_code != 0:
            log = self._logs / names.log_path(run.name, run.attempt)
            message = tail_text(log, lines=_LOG_LINES, limit=_LOG_BYTES)
        return message or run.message

    def last_lines(self, run: Run) -> str:
        """Return the last few lines that a run logged, or why they cannot be read."""
        try:
            return tail_text(self._logs / names.log_path(run.name, run.attempt), lines=_LAST_LINES, limit=_LOG_BYTES)
        except OSError as error:
            return f"(cannot be read: {error.strerror})"

    def make_log_directory(self, container: str) -> None:
        (self._logs / container).mkdir(mode=0o755, parents=True, exist_ok=True)

    def link_log(self, container: str, attempt: int, container_id: str) -> None:
        """Give a log the name by which log shippers know what it is about. The container runs, with or without it."""
        link = self._node.log_links / names.log_link(self._pod, container, container_id)
        try:
            self._node.log_links.mkdir(mode=0o755, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                link.symlink_to(self._logs / names.log_path(container, attempt))
        except OSError as error:
            _log.error("log shippers will not find the log of %s: %s", names.described(self._pod), error)

    def remove_log(self, run: Run) -> None:
        """Remove the log of a run that nobody can ask for any more."""
        link = self._node.log_links / names.log_link(self._pod, run.name, run.id)
        link.unlink(missing_ok=True)
        log = self._logs / names.log_path(run.name, run.attempt)
        for path in log.parent.glob(f"{log.name}*") if log.parent.is_dir() else ():
            path.unlink(missing_ok=True)

    def remove_logs(self) -> None:
        """Remove everything the pod ever logged."""
        if self._node.log_links.is_dir():
            prefix = f"{self._pod.metadata.name}_{self._pod.metadata.namespace}_"
            for link in self._node.log_links.glob(f"{prefix}*.log"):
                if link.is_symlink() and link.readlink().is_relative_to(self._logs):
                    link.unlink(missing_ok=True)
        if self._logs.is_dir():
            shutil.rmtree(self._logs)

    def _message_path(self, container: str, attempt: int) -> Path:
        return self._directory / "containers" / container / str(attempt)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def _head(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            return file.read(limit).decode(errors="replace")
    except FileNotFoundError:
        return ""
