"""The running lab (`make lab`) as its users see it: kubectl from outside, a shell on each machine."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LAB = ROOT / ".lab"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.lab)


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str


def run(*command: str, stdin: str = "", timeout: float = 120) -> Done:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


class Lab:
    """kubectl and shells, in a namespace of the test's own."""

    def __init__(self, namespace: str):
        self.namespace = namespace

    def kubectl(self, *arguments: str, stdin: str = "", timeout: float = 120) -> Done:
        binary, config = ROOT / ".venv/bin/kubectl", LAB / "kubeconfig"
        return run(
            str(binary), "--kubeconfig", str(config), "-n", self.namespace, *arguments, stdin=stdin, timeout=timeout
        )

    def ok(self, *arguments: str, stdin: str = "", timeout: float = 120) -> str:
        """Run kubectl, which must succeed; return what it printed."""
        done = self.kubectl(*arguments, stdin=stdin, timeout=timeout)
        assert done.code == 0, f"kubectl {' '.join(arguments)}: {done.err}"
        return done.out

    def apply(self, *documents: dict[str, Any]) -> str:
        return self.ok("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))

    def get(self, *arguments: str) -> Any:
        return json.loads(self.ok("get", *arguments, "-o", "json"))

    def ssh(self, machine: str, command: str) -> Done:
        """Run a command in a shell of one of the machines."""
        return run(str(LAB / "ssh"), machine, "sh", "-c", command)

    def on(self, machine: str, command: str) -> str:
        done = self.ssh(machine, command)
        assert done.code == 0, f"{machine}: {command}: {done.out}{done.err}"
        return done.out

    def image(self, name: str) -> str:
        done = run(str(LAB / "image"), name)
        assert done.code == 0, done.err
        return done.out.strip()

    def machines(self) -> list[str]:
        return [node["metadata"]["name"] for node in self.get("nodes")["items"]]

    def workers(self) -> list[str]:
        return [name for name in self.machines() if name != "master"]

    def until(self, what: str, holds: Callable[[], Any], seconds: float = 60) -> Any:
        """Return what `holds` returns once it is true; fail after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = holds()
            except AssertionError:
                found = None
            if found:
                return found
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s: {what}\n{self.kubectl('get', 'pods,events').out}")
            time.sleep(0.25)

    def pod(self, name: str, **spec: Any) -> dict[str, Any]:
        """A pod with one container called main, busybox unless told otherwise."""
        container = {"name": "main", "image": self.image("busybox"), **spec.pop("container", {})}
        spec.setdefault("terminationGracePeriodSeconds", 1)
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [container], **spec},
        }

    def ready(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a pod to be Ready; return it."""
        self.ok("wait", "--for=condition=Ready", f"pod/{name}", f"--timeout={seconds:.0f}s", timeout=seconds + 10)
        found: dict[str, Any] = self.get("pod", name)
        return found


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab, with a fresh namespace that is gone afterwards."""
    if not (LAB / "kubeconfig").exists():
        pytest.fail("there is no lab: run `make lab` first")
    lab = Lab(f"e2e-{secrets.token_hex(3)}")
    lab.ok("create", "namespace", lab.namespace)
    try:
        yield lab
    finally:
        lab.kubectl("delete", "namespace", lab.namespace, "--wait=false")
