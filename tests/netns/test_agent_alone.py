"""The whole agent on a machine where nothing else is: no API server, no container runtime."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from nodeagent.cmd.config import NodeAgentConfig, render
from nodeagent.node.certificates import SERVING_SIGNER, Wanted, self_signed
from tests.netns.conftest import Machine


def _configure(directory: Path, address: str) -> Path:
    certificate = self_signed(Wanted("n1", SERVING_SIGNER, (address,)), datetime.now(UTC))
    (directory / "ca.crt").write_bytes(certificate)
    cluster = {
        "server": "https://192.168.77.99:6443",
        "certificate-authority-data": base64.b64encode(certificate).decode(),
    }
    document = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "nobody"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (directory / "kubeconfig").write_text(yaml.safe_dump(document))
    config = NodeAgentConfig(
        kubeconfig=str(directory / "kubeconfig"),
        client_ca_file=str(directory / "ca.crt"),
        cert_dir=str(directory / "pki"),
        state_dir=str(directory / "state"),
        pod_dir=str(directory / "kubelet/pods"),
        pod_manifest_path=str(directory / "manifests"),
        hostname_override="n1",
        node_ip=address,
        container_runtime_endpoint=f"unix://{directory}/containerd.sock",
        iptables_variant="legacy",
    )
    (directory / "nodeagent.yaml").write_text(render(config))
    return directory / "nodeagent.yaml"


@pytest.fixture
def machine(machines: Callable[[int], list[Machine]]) -> Machine:
    return machines(1)[0]


@pytest.fixture
def agent(machine: Machine, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    config = _configure(tmp_path, machine.address)
    command = ["ip", "netns", "exec", machine.namespace, sys.executable, "-m", "nodeagent.cmd.main", "run"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        started = subprocess.Popen([*command, "--config", str(config)], stdout=output, stderr=output)
    yield started
    started.terminate()
    assert started.wait(timeout=20) == 0, log.read_text()


def until(machine: Machine, command: str) -> None:
    """Wait until a command succeeds in the machine."""
    for _ in range(150):
        if machine.sh(command, check=False).returncode == 0:
            return
        time.sleep(0.1)  # another process's start takes what it takes
    raise AssertionError(f"never succeeded: {command}")


def test_everything_that_needs_nobody_runs(machine: Machine, agent: subprocess.Popen[bytes], tmp_path: Path) -> None:
    until(machine, "curl -sf http://127.0.0.1:10248/healthz")
    until(machine, "curl -sf http://127.0.0.1:10256/livez")
    until(machine, "ip addr show dev lo | grep -q 10.96.0.10/32")
    until(machine, f"test -d {tmp_path}/kubelet/plugins_registry")  # where CSI drivers make themselves known
    assert agent.poll() is None


def test_the_dns_address_comes_back(machine: Machine, agent: subprocess.Popen[bytes]) -> None:
    until(machine, "ip addr show dev lo | grep -q 10.96.0.10/32")
    machine.sh("ip addr del 10.96.0.10/32 dev lo")
    until(machine, "ip addr show dev lo | grep -q 10.96.0.10/32")


def test_a_port_that_somebody_else_has_ends_nothing(machine: Machine, tmp_path: Path) -> None:
    taken = subprocess.Popen(
        ["ip", "netns", "exec", machine.namespace, sys.executable, "-m", "http.server", "10248"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(machine, "curl -sf http://127.0.0.1:10248/")
        config = _configure(tmp_path, machine.address)
        command = ["ip", "netns", "exec", machine.namespace, sys.executable, "-m", "nodeagent.cmd.main", "run"]
        with (tmp_path / "log").open("wb") as output:
            agent = subprocess.Popen([*command, "--config", str(config)], stdout=output, stderr=output)
        try:
            until(machine, "curl -sf http://127.0.0.1:10256/livez")
            until(machine, f"grep -q 'health is not served' {tmp_path}/log")
            assert agent.poll() is None
            taken.terminate()
            taken.wait(timeout=10)
            until(machine, "curl -sf http://127.0.0.1:10248/healthz")
        finally:
            agent.terminate()
            agent.wait(timeout=20)
    finally:
        taken.kill()
        taken.wait()
