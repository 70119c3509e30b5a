"""The official JavaScript client, by a program of its own (javascript/check.js)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from controlplane.testing import Cluster

SOURCE = Path(__file__).parent / "javascript"
CACHE = Path(__file__).parents[3] / ".cache/javascript"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def program() -> Path:
    """The program with the packages it needs, installed anew when the lock file changes."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    home = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not (home / "node_modules/.package-lock.json").exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, home)
        _run("npm", "ci", "--no-audit", "--no-fund", "--prefix", str(home))
    return Path(shutil.copy(SOURCE / "check.js", home))


def _run(*command: str, **environ: str) -> str:
    path = f"{BIN}:{os.environ['PATH']}"
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env={**os.environ, "PATH": path, **environ}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_javascript_client(program: Path, cluster: Cluster, namespace: str) -> None:
    assert json.loads(_run("node", str(program), namespace, KUBECONFIG=str(cluster.kubeconfig))) == {
        "listed": [{"a": "1"}],
        "missing": 404,
        "events": [
            ["MODIFIED", {"a": "1", "b": "2"}],
            ["DELETED", {"a": "1", "b": "2"}],
        ],
        "informed": 80,
        "strategy": "RollingUpdate",
        "scale": 0,
    }
