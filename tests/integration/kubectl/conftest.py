"""kubectl against one HTTPS server for each module; every test has a namespace of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from controlplane.testing import HttpsApi
from tests.fakes.served import served

_KUBECTL = Path(sys.executable).parent / "kubectl"
_PATIENCE = 30  # seconds


@dataclass(frozen=True)
class Said:
    """What kubectl printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass(frozen=True)
class Kubectl:
    """A user at a terminal."""

    api: HttpsApi
    namespace: str

    def __call__(self, command: str, *more: str, stdin: str = "", editor: str = "true", user: str = "") -> Said:
        """Run a command; `more` holds arguments with spaces in them."""
        kubeconfig = self.api.kubeconfig_of(user) if user else self.api.kubeconfig
        flags = ["--kubeconfig", str(kubeconfig), "--cache-dir", str(self.api.directory / "cache")]
        flags += ["--namespace", self.namespace]
        environment = {**os.environ, "KUBE_EDITOR": editor, "TMPDIR": str(self.api.directory)}
        done = subprocess.run(
            [str(_KUBECTL), *flags, *command.split(), *more],
            input=stdin, capture_output=True, text=True, timeout=_PATIENCE, env=environment, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def ok(self, command: str, *more: str, stdin: str = "", editor: str = "true") -> str:
        """Run a command that must succeed; return what it printed."""
        said = self(command, *more, stdin=stdin, editor=editor)
        assert said.code == 0, said.err
        return said.out

    def refused(self, command: str, *more: str, stdin: str = "", editor: str = "true") -> str:
        """Run a command that must fail; return what it complained of."""
        said = self(command, *more, stdin=stdin, editor=editor)
        assert said.code != 0, said.out
        return said.err


def columns(line: str) -> list[str]:
    """Return the cells of a line of a table."""
    return re.split(r"\s{2,}", line.strip())


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsApi]:
    with served(tmp_path_factory.mktemp("api")) as running:
        yield running


_numbers = count(1)


@pytest.fixture
def kubectl(api: HttpsApi) -> Kubectl:
    user = Kubectl(api, f"ns{next(_numbers)}")
    user.ok(f"create namespace {user.namespace}")
    return user
