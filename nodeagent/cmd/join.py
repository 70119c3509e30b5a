"""`nodeagent join`: from a machine with containerd to a node of the cluster."""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.kit.files import write_atomically
from nodeagent.cmd.config import CONFIG_FILE, NodeAgentConfig, parse_labels, parse_taints, render

if TYPE_CHECKING:
    from controlplane.kit.clock import Clock

UNIT = "sampan-nodeagent.service"
REGISTER_SECONDS = 60.0

_EPILOG = """examples:
  # the line that `controlplane init` and `controlplane token create --print-join-command` print
  nodeagent join 192.168.56.10:6443 --token abcdef.0123456789abcdef \\
      --discovery-token-ca-cert-hash sha256:1234…

  # a machine whose first interface is not the cluster's (Vagrant)
  nodeagent join … --node-ip 192.168.56.11
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "join",
        help="make this machine a node of a cluster",
        description="Checks the cluster's CA against its hash, gets this node a certificate, and starts the agent.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("endpoint", metavar="HOST:PORT", help="the API server")
    parser.add_argument("--token", required=True, help="a bootstrap token")
    parser.add_argument(
        "--discovery-token-ca-cert-hash", action="append", required=True, metavar="sha256:HEX", help="the CA's pin"
    )
    parser.add_argument("--node-name", default="", help="default: this machine's host name")
    parser.add_argument("--node-ip", default="", help="default: that of the interface that routes to the API server")
    parser.add_argument("--node-labels", default="", metavar="KEY=VALUE,…")
    parser.add_argument("--register-with-taints", default="", metavar="KEY=VALUE:EFFECT,…")
    parser.add_argument("--cluster-cidr", default=NodeAgentConfig().cluster_cidr, help="the pod network")
    parser.add_argument("--cluster-dns", default=NodeAgentConfig().cluster_dns, help="the DNS address")
    parser.add_argument("--cgroup-driver", default=NodeAgentConfig().cgroup_driver, choices=["cgroupfs", "systemd"])
    parser.add_argument("--skip-start", action="store_true", help="write the files, but do not start the unit")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.kit.clock import SystemClock
    from nodeagent.cmd.preflight import PreflightError, check, fix_sysctls
    from nodeagent.node.bootstrap import JoinError, valid_token

    if not valid_token(options.token):
        raise JoinError("--token must look like abcdef.0123456789abcdef")
    config = _config(options)
    running = _unit_is_active()
    findings = check(Path(config.container_runtime_endpoint.removeprefix("unix://")), () if running else (config.port,))
    for warning in findings.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if findings.errors:
        raise PreflightError("\n  ".join(["this machine cannot join as it is:", *findings.errors]))
    for change in fix_sysctls():
        print(f"set {change}")
    return asyncio.run(_join(options, config, SystemClock()))


def _config(options: argparse.Namespace) -> NodeAgentConfig:
    parse_labels(options.node_labels)  # these two for their complaints: the agent would make them only when it starts
    parse_taints(options.register_with_taints)
    return replace(
        NodeAgentConfig(),
        hostname_override=options.node_name or socket.gethostname().lower(),
        node_ip=options.node_ip,
        node_labels=options.node_labels,
        register_with_taints=options.register_with_taints,
        cluster_cidr=options.cluster_cidr,
        cluster_dns=options.cluster_dns,
        cgroup_driver=options.cgroup_driver,
    )


async def _join(options: argparse.Namespace, config: NodeAgentConfig, clock: Clock) -> int:
    from nodeagent.node import bootstrap
    from nodeagent.node.certificates import write_pair

    name = config.hostname_override
    pins = tuple(options.discovery_token_ca_cert_hash)
    cluster = await bootstrap.discover(options.endpoint, pins, clock)
    print(f"the cluster at {options.endpoint} is the one that was pinned")
    identity = Path(config.cert_dir) / "kubelet-client-current.pem"
    if await _already_joined(config, cluster.ca, clock):
        print(f"node {name} has a certificate of this cluster already")
    else:
        write_pair(identity, await bootstrap.obtain_identity(cluster, options.token, name, clock))
        print(f"node {name} has a certificate: {identity}")
    write_atomically(Path(config.client_ca_file), cluster.ca, 0o644)
    write_atomically(
        Path(config.kubeconfig), bootstrap.render_kubeconfig(cluster, config.client_ca_file, str(identity)).encode()
    )
    write_atomically(CONFIG_FILE, render(config).encode(), 0o644)
    Path(config.pod_manifest_path).mkdir(parents=True, exist_ok=True)
    if options.skip_start:
        return 0
    _systemctl("enable", UNIT)
    _systemctl("restart", UNIT)
    await _wait_registered(config, clock)
    print(f"node {name} is registered; on the master, `kubectl get nodes` shows it")
    return 0


async def _already_joined(config: NodeAgentConfig, ca: bytes, clock: Clock) -> bool:
    """Whether an earlier join left a certificate that this very cluster still accepts."""
    from controlplane.api.core_v1 import Node
    from controlplane.api.status import NotFound, StatusError
    from controlplane.client import kubeconfig
    from controlplane.client.client import Client
    from controlplane.client.credentials import BadCredentials
    from controlplane.client.transport import Unreachable

    path = Path(config.client_ca_file)
    if not path.exists() or path.read_bytes() != ca:
        return False
    try:
        connection = kubeconfig.load(Path(config.kubeconfig)).connection()
        async with connection.open(clock) as transport:
            await Client(transport).get(Node, config.hostname_override)
    except NotFound:
        return True
    except (kubeconfig.KubeconfigError, BadCredentials, StatusError, Unreachable):
        return False
    return True


async def _wait_registered(config: NodeAgentConfig, clock: Clock) -> None:
    from controlplane.api.core_v1 import Node
    from controlplane.api.status import StatusError
    from controlplane.client import kubeconfig
    from controlplane.client.client import Client
    from controlplane.client.transport import Unreachable
    from nodeagent.node.bootstrap import JoinError

    connection = kubeconfig.load(Path(config.kubeconfig)).connection()
    deadline = clock.monotonic() + REGISTER_SECONDS
    last = ""
    async with connection.open(clock) as transport:
        while clock.monotonic() < deadline:
            try:
                await Client(transport).get(Node, config.hostname_override)
                return
            except (StatusError, Unreachable) as error:
                last = str(error)
                await clock.sleep(0.25)
    raise JoinError(
        f"the agent runs but did not register within {REGISTER_SECONDS:.0f} s ({last}): journalctl -u {UNIT} says why"
    )


def _systemctl(*arguments: str) -> None:
    from nodeagent.node.bootstrap import JoinError

    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise JoinError(f"systemctl {' '.join(arguments)}: {done.stderr.strip()}; journalctl -u {UNIT} says more")


def _unit_is_active() -> bool:
    return Path("/run/systemd/system").exists() and (
        subprocess.run(["systemctl", "is-active", "--quiet", UNIT], check=False).returncode == 0
    )
