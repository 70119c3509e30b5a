"""`controlplane init`: from a machine with the programs installed to a running control plane.

    preflight ─► certs ─► kubeconfig ─► config ─► start ─► wait ─► bootstrap-token ─► cluster-info ─► dns

Every phase looks first and changes only what is missing, so that running it again repairs, and is never a danger.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.cmd import preflight
from controlplane.cmd.cluster_client import open_client
from controlplane.cmd.settings import comma_separated, seconds
from controlplane.kit.clock import Clock, SystemClock
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.client.client import Client
    from controlplane.pki.plan import Endpoint
    from controlplane.pki.tokens import BootstrapToken

UNITS = ("sampan-apiserver", "sampan-controller-manager", "sampan-scheduler")
PHASES = ("preflight", "certs", "kubeconfig", "config", "start", "wait", "bootstrap-token", "cluster-info", "dns")
READY_SECONDS = 120.0
ETCD_PORT = 2379  # of the store, for etcdctl and backups
NAMESPACE_SECONDS = 10.0

_EPILOG = """examples:
  controlplane init
  controlplane init --apiserver-advertise-address 192.168.56.10        # a Vagrant VM: not the NAT interface
  controlplane init --apiserver-cert-extra-sans api.example.com,127.0.0.1
  controlplane init --skip-phases start,wait,bootstrap-token,cluster-info,dns    # only write files

then, on every node, the `nodeagent join` line that it prints
"""


class InitError(Explained):
    """The control plane could not be set up; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for, checked."""

    endpoint: Endpoint
    pod_cidrs: tuple[str, ...]
    config_dir: Path
    data_dir: Path
    token: BootstrapToken
    token_ttl: timedelta
    phases: frozenset[str]


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "init",
        help="set up the control plane on this machine",
        description="Makes certificates, kubeconfigs and configuration files, starts the control plane's units, and "
        "prints how nodes join. Running it again changes only what is missing.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--apiserver-advertise-address",
        metavar="IP",
        default="",
        help="this machine's address (default: that of the default route)",
    )
    add("--apiserver-bind-port", metavar="PORT", type=int, default=6443, help="the API server's port (default: 6443)")
    add(
        "--apiserver-cert-extra-sans",
        metavar="NAMES",
        default="",
        help="more names and addresses for its certificate, comma-separated",
    )
    add(
        "--control-plane-endpoint",
        metavar="HOST[:PORT]",
        default="",
        help="a stable name for all API servers, such as a load balancer's",
    )
    add("--node-name", metavar="NAME", default="", help="this machine's name (default: its host name)")
    add(
        "--pod-network-cidr",
        metavar="CIDRS",
        default="10.244.0.0/16",
        help="addresses of pods (default: 10.244.0.0/16)",
    )
    add("--service-cidr", metavar="CIDRS", default="10.96.0.0/12", help="addresses of Services (default: 10.96.0.0/12)")
    add(
        "--service-dns-domain",
        metavar="DOMAIN",
        default="cluster.local",
        help="the domain of Services (default: cluster.local)",
    )
    add("--token", default="", help="the token nodes join with (default: a new one)")
    add(
        "--token-ttl", metavar="DURATION", default="24h0m0s", help="how long it is good; 0: for ever (default: 24h0m0s)"
    )
    add("--skip-phases", metavar="PHASES", default="", help=f"leave out some of: {', '.join(PHASES)}")
    add("--config-dir", metavar="DIR", type=Path, default=Path("/etc/sampan"), help="default: /etc/sampan")
    add("--data-dir", metavar="DIR", type=Path, default=Path("/var/lib/sampan"), help="default: /var/lib/sampan")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    plan, clock = make_plan(options), SystemClock()
    if "preflight" in plan.phases:
        _preflight(plan)
    renewed = "certs" in plan.phases and _certificates(plan, clock)
    if "config" in plan.phases:
        _configuration(plan)
    if "start" in plan.phases:
        _start("restart" if renewed else "start")
    if plan.phases & {"wait", "bootstrap-token", "cluster-info", "dns"}:
        asyncio.run(_in_cluster(plan, clock))
    _farewell(plan)
    return 0


def make_plan(options: argparse.Namespace) -> Plan:
    """Return what the flags ask for. Raises InitError, which names every flag that is wrong."""
    from controlplane.pki import tokens
    from controlplane.pki.plan import Endpoint

    skipped = set(comma_separated(options.skip_phases))
    if unknown := sorted(skipped - set(PHASES)):
        raise InitError(f"--skip-phases: there is no phase {', '.join(unknown)}; there are {', '.join(PHASES)}")
    endpoint = Endpoint(
        node_name=(options.node_name or socket.gethostname()).lower(),
        advertise_address=options.apiserver_advertise_address or preflight.routed_address(),
        bind_port=options.apiserver_bind_port,
        service_cidrs=tuple(comma_separated(options.service_cidr)),
        dns_domain=options.service_dns_domain,
        control_plane_endpoint=options.control_plane_endpoint,
        extra_sans=tuple(comma_separated(options.apiserver_cert_extra_sans)),
    )
    if not endpoint.advertise_address:
        raise InitError("this machine has no default route: say its address with --apiserver-advertise-address")
    pod_cidrs = tuple(comma_separated(options.pod_network_cidr))
    if problems := list(preflight.setting_problems(endpoint, pod_cidrs)):
        raise InitError("; ".join(problems))
    try:
        token = tokens.parse(options.token) if options.token else tokens.generate()
    except ValueError as error:
        raise InitError(f"--token: {error}") from error
    return Plan(
        endpoint=endpoint,
        pod_cidrs=pod_cidrs,
        config_dir=options.config_dir,
        data_dir=options.data_dir,
        token=token,
        token_ttl=timedelta(seconds=seconds(options.token_ttl)),
        phases=frozenset(PHASES) - skipped,
    )


def _preflight(plan: Plan) -> None:
    running = {unit for unit in UNITS if _is_active(unit)}
    # A port in use by our own running program is as it should be: this is not the first run.
    ports = {"sampan-apiserver": plan.endpoint.bind_port, "sampan-controller-manager": 10257, "sampan-scheduler": 10259}
    wanted = [port for unit, port in ports.items() if unit not in running] if "start" in plan.phases else []
    wanted += [ETCD_PORT] if wanted and "sampan-apiserver" not in running else []
    problems = list(preflight.machine_problems(wanted, plan.data_dir, plan.endpoint.advertise_address))
    if "start" in plan.phases:
        problems += preflight.folder_problems(plan.config_dir, plan.data_dir)
    if problems:
        raise InitError("\n  ".join(["this machine cannot be a control plane as it is:", *problems]))


def _certificates(plan: Plan, clock: Clock) -> bool:
    from controlplane.pki.cluster import ClusterFiles

    made = ClusterFiles(plan.config_dir).create_missing(
        plan.endpoint, clock.now(), kubeconfig_files="kubeconfig" in plan.phases
    )
    _say("certs", f"made {', '.join(made)} in {plan.config_dir}" if made else "all there")
    return bool(made)


def _configuration(plan: Plan) -> None:
    from controlplane.cmd import cluster_config
    from controlplane.pki import files

    rendered = cluster_config.render_all(plan.endpoint, plan.pod_cidrs, plan.config_dir, plan.data_dir)
    for name, text in rendered.items():
        path = plan.config_dir / name
        unchanged = path.exists() and path.read_text() == text
        if not unchanged:
            files.write(path, text)
        _say("config", f"{path} is there" if unchanged else f"wrote {path}")
    files.make_folder(plan.data_dir, 0o700)


def _start(verb: str) -> None:
    _systemctl("daemon-reload")
    _systemctl("enable", *UNITS)
    # Each unit waits for what it needs by itself, so none has to wait in line here.
    _systemctl(verb, "--no-block", *UNITS)
    _say("start", f"{verb}ed {', '.join(UNITS)}")


async def _in_cluster(plan: Plan, clock: Clock) -> None:
    async with open_client(plan.config_dir / "super-admin.conf", clock, user_agent="controlplane-init") as client:
        if "wait" in plan.phases:
            await wait_ready(client, clock)
            _say("wait", f"the API server at {plan.endpoint.server} is ready")
        for phase in ("bootstrap-token", "cluster-info", "dns"):
            if phase in plan.phases:
                for obj in phase_objects(plan, phase, clock.now()):
                    _say(phase, await create_once(client, obj, clock))


async def wait_ready(client: Client, clock: Clock) -> None:
    """Return once /readyz says ok. Raises InitError."""
    from controlplane.api.status import StatusError
    from controlplane.client.transport import Unreachable

    deadline, problem = clock.monotonic() + READY_SECONDS, ""
    while clock.monotonic() < deadline:
        try:
            await client.request("GET", "/readyz")
            return
        except (StatusError, Unreachable) as error:
            problem = str(error)
        await clock.sleep(0.1)
    raise InitError(
        f"the API server is not ready after {READY_SECONDS:.0f} s ({problem}); `journalctl -u {UNITS[0]}` says more"
    )


def phase_objects(plan: Plan, phase: str, now: datetime) -> Iterator[Any]:
    """Yield the objects that a phase puts into the cluster."""
    from controlplane.cmd import cluster_objects
    from controlplane.pki.cluster import ClusterFiles

    if phase == "bootstrap-token":
        expires = now + plan.token_ttl if plan.token_ttl else None
        yield cluster_objects.token_secret(plan.token, expires=expires, description="made by controlplane init")
    elif phase == "cluster-info":
        yield cluster_objects.cluster_info(plan.endpoint.server, ClusterFiles(plan.config_dir).ca_pem)
    elif phase == "dns":
        yield cluster_objects.dns_service(plan.endpoint.service_cidrs)


async def create_once(client: Client, obj: Any, clock: Clock) -> str:
    """Create an object unless it is there; return what was done, in words. Raises StatusError."""
    from controlplane.api.resources import resource_of
    from controlplane.api.status import AlreadyExists, NotFound

    type_, name, namespace = type(obj), obj.metadata.name, obj.metadata.namespace
    what = f"{resource_of(type_).singular} {namespace}/{name}"
    deadline = clock.monotonic() + NAMESPACE_SECONDS
    while True:
        # Ask first: a Service that is there holds its address, so that creating it again fails for another reason.
        with suppress(NotFound):
            await client.get(type_, name, namespace)
            return f"{what} is there"
        try:
            await client.create(obj)
            return f"created {what}"
        except AlreadyExists:
            return f"{what} is there"
        except NotFound:  # the server is about to make the namespace
            if clock.monotonic() > deadline:
                raise
        await clock.sleep(0.1)


def join_line(plan: Plan) -> str:
    """Return the command that makes a machine a node."""
    from controlplane.cmd.cluster_config import join_command
    from controlplane.pki.cluster import ClusterFiles

    return join_command(plan.endpoint, str(plan.token), ClusterFiles(plan.config_dir).ca_pem)


def _farewell(plan: Plan) -> None:
    if not plan.phases >= {"certs", "start"}:
        return
    print(
        f"""
Your Kubernetes control plane is running. To use it:

  export KUBECONFIG={plan.config_dir}/admin.conf
  kubectl get nodes

To look at it: systemctl status 'sampan-*', journalctl -u {UNITS[0]}

Then make machines into nodes by running this on each, as root:

  {join_line(plan)}
"""
    )


def _say(phase: str, what: str) -> None:
    print(f"[{phase}] {what}", flush=True)


def _is_active(unit: str) -> bool:
    if not Path("/run/systemd/system").exists():
        return False
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def _systemctl(*arguments: str) -> None:
    if not Path("/run/systemd/system").exists():
        raise InitError(
            "systemd does not run this machine: start the programs yourself and leave the phase out with "
            "--skip-phases start"
        )
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InitError(f"systemctl {' '.join(arguments)}: {done.stderr.strip()}")
