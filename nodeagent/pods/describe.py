"""Says in words how a container ended, for whoever asks why it restarts."""

from __future__ import annotations

import signal

from nodeagent.cri.records import Container, State


def last_exit(run: Container) -> str:
    """Return `last exit: code 137 (SIGKILL), OOMKilled`."""
    if run.state is State.UNKNOWN:
        return "last exit: unknown"
    text = f"last exit: code {run.exit_code}"
    name = signal_name(run.exit_code)
    text += f" ({name})" if name else ""
    return text + (f", {run.reason}" if run.reason not in ("", "Error", "Completed") else "")


def signal_name(exit_code: int) -> str:
    """Return the signal that an exit code above 128 stands for, as shells count; "" if it is none."""
    try:
        return signal.Signals(exit_code - 128).name if exit_code > 128 else ""
    except ValueError:
        return ""
