"""Steps with a name, a duration and a clear end; commands that say why they failed."""

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class LabError(Exception):
    """Something the user must read: what failed, and what to do or where to look."""


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, then say how long it took."""
    print(f"--> {title}", flush=True)
    started = time.monotonic()
    yield
    seconds = time.monotonic() - started
    if seconds >= 0.5:  # shorter ones are not worth a line
        print(f"    {seconds:.1f} s", flush=True)


def run(
    *command: str | Path,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run a command and return its standard output; on failure raise with the last lines of what it said."""
    done = try_run(*command, stdin=stdin, environment=environment, timeout=timeout)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise LabError(f"this command failed (exit {done.returncode}): {shown(command)}\n{said}")
    return done.stdout


def try_run(
    *command: str | Path,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command whose failure the caller wants to judge."""
    words = [str(word) for word in command]
    try:
        return subprocess.run(
            words,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"this command did not end within {timeout:.0f} s: {shown(command)}") from error


def shown(command: Sequence[str | Path]) -> str:
    return shlex.join(str(word) for word in command)


def wait_until(what: str, ready: Callable[[], bool], *, seconds: float, hint: str = "") -> None:
    """Ask `ready` until it says yes; the interval suits things that take 0.1 to 60 s."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:.0f} s for {what}" + (f"\n{hint}" if hint else ""))
        time.sleep(0.1)
