"""Where the load tools are, and how a control plane to measure comes up."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("BENCH_TOOLS", ROOT / "../shared/bench")).resolve()
RESULTS = ROOT / ".cache/bench"
PYTHON = sys.executable
KUBECTL = str(ROOT / ".venv/bin/kubectl")
BIN = ROOT / ".venv/bin"


class CannotMeasure(Exception):
    """Something that the measurement needs is not here; the message says what."""


def tool(name: str) -> str:
    path = TOOLS / name
    if not path.exists():
        raise CannotMeasure(f"no {name} in {TOOLS}: set BENCH_TOOLS to the folder of the load tools")
    return str(path)


def upstream(name: str) -> str:
    """The figures of an upstream component."""
    return tool(f"results-{name}.json")


def run(*command: str, inside: str = "", check: bool = True, timeout: float = 1800) -> None:
    """Run a command with its output shown, in a network namespace if one is named."""
    prefix = ["ip", "netns", "exec", inside] if inside else []
    subprocess.run([*prefix, *command], check=check, timeout=timeout, env=environment())


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}:/usr/sbin:/sbin"}


@dataclass(frozen=True)
class ControlPlane:
    """The files of a control plane made for one measurement."""

    directory: Path
    address: str
    port: int

    @property
    def kubeconfig(self) -> str:
        return str(self.directory / "etc/admin.conf")

    @property
    def command(self) -> str:
        """What runs the API server in the foreground."""
        return f"{BIN}/controlplane apiserver --config {self.directory}/etc/apiserver.yaml"


@contextlib.contextmanager
def control_plane(address: str, port: int) -> Iterator[ControlPlane]:
    """Certificates, configuration and an empty store, in a directory that goes when the block ends."""
    # On the real disk: /tmp may be memory, where fsync costs nothing.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=RESULTS) as name:
        directory = Path(name)
        command = [
            *(str(BIN / "controlplane"), "init", "--config-dir", f"{name}/etc", "--data-dir", f"{name}/data"),
            *("--apiserver-advertise-address", "192.168.56.10", "--control-plane-endpoint", f"{address}:{port}"),
            *("--apiserver-bind-port", str(port), "--apiserver-cert-extra-sans", address, "--node-name", "bench"),
            *("--skip-phases", "preflight,start,wait,bootstrap-token,cluster-info,dns"),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        settings = directory / "etc/apiserver.yaml"
        text = settings.read_text().replace("bind-address: 0.0.0.0", f"bind-address: {address}")
        # A port of its own: another store on this machine may have the usual one.
        text = re.sub(r"(?m)^listen-client-urls:.*$", f"listen-client-urls: ['https://{address}:{port + 1}']", text)
        settings.write_text(text)
        yield ControlPlane(directory, address, port)


@contextlib.contextmanager
def serving(plane: ControlPlane, inside: str = "") -> Iterator[int]:
    """The API server, ready; yields its process id."""
    prefix = ["ip", "netns", "exec", inside] if inside else []
    log = (plane.directory / "apiserver.log").open("w")
    process = subprocess.Popen([*prefix, *plane.command.split()], stdout=log, stderr=log, env=environment())
    try:
        for _ in range(200):
            asked = [*prefix, KUBECTL, "--kubeconfig", plane.kubeconfig, "get", "--raw", "/readyz"]
            if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
                break
            if process.poll() is not None:
                raise CannotMeasure(f"the API server ended: {(plane.directory / 'apiserver.log').read_text()}")
            time.sleep(0.1)
        else:
            raise CannotMeasure(
                f"the API server is not ready after 20 s: {(plane.directory / 'apiserver.log').read_text()}"
            )
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()
