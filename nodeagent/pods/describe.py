"""Says in words how a container ended, for whoever asks why it restarts."""

from __future__ import annotations

import signal

from nodeagent.cri.records import Container, State

# Of an event's 1024 characters the names of pod, namespace and container may take half.
_LOG_CHARACTERS = 400


def last_exit(run: Container, log: str = "") -> str:
    """Return `last exit: code 137 (SIGKILL), OOMKilled; its log ends: loading | loaded`."""
    return f"{_exit(run)}{_end_of(log)}"


def _exit(run: Container) -> str:
    if run.state is State.UNKNOWN:
        return "last exit: unknown"
    text = f"last exit: code {run.exit_code}"
    name = signal_name(run.exit_code)
    text += f" ({name})" if name else ""
    return text + (f", {run.reason}" if run.reason not in ("", "Error", "Completed") else "")


def _end_of(log: str) -> str:
    """Return the last lines as one, without what would move a terminal's cursor."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    text = "".join(letter if letter.isprintable() else " " for letter in " | ".join(lines))
    if not text:
        return ""
    return f"; its log ends: {text if len(text) <= _LOG_CHARACTERS else '…' + text[1 - _LOG_CHARACTERS :]}"


def signal_name(exit_code: int) -> str:
    """Return the signal that an exit code above 128 stands for, as shells count; "" if it is none."""
    try:
        return signal.Signals(exit_code - 128).name if exit_code > 128 else ""
    except ValueError:
        return ""
