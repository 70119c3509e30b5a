"""What must be so before `controlplane init` begins; each problem comes with what to do about it."""

from __future__ import annotations

import errno
import ipaddress
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from controlplane.pki.plan import Endpoint, split_host_port

# Where systemd/*.service look for settings, and what their StateDirectory lets them write.
UNITS_CONFIG, UNITS_DATA = Path("/etc/sampan"), Path("/var/lib/sampan")
MIN_FREE_BYTES = 256 * 1024 * 1024  # the store, its log and a compaction of a small cluster


def setting_problems(endpoint: Endpoint, pod_cidrs: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the flags."""
    if not _is_address(endpoint.advertise_address):
        yield f'--apiserver-advertise-address: "{endpoint.advertise_address}" is not an IP address'
    if not 1 <= endpoint.bind_port <= 65535:
        yield f"--apiserver-bind-port: {endpoint.bind_port} is not between 1 and 65535"
    try:
        split_host_port(endpoint.control_plane_endpoint, endpoint.bind_port)
    except ValueError as error:
        yield f"--control-plane-endpoint: {error}"
    ranges = [("--service-cidr", cidr) for cidr in endpoint.service_cidrs]
    ranges += [("--pod-network-cidr", cidr) for cidr in pod_cidrs]
    networks = []
    for flag, cidr in ranges:
        try:
            networks.append((flag, ipaddress.ip_network(cidr)))
        except ValueError:
            yield f'{flag}: "{cidr}" is not a network such as 10.96.0.0/12'
    for position, (flag, network) in enumerate(networks):
        for other_flag, other in networks[:position]:
            if network.version == other.version and network.overlaps(other):
                yield f"{flag} {network} overlaps {other_flag} {other}: choose another range for one of them"
        if network.num_addresses < 16 and flag == "--service-cidr":
            yield f"--service-cidr {network} is too small: DNS has its tenth address; use a /28 or larger"


def machine_problems(ports: Iterable[int], folder: Path, address: str) -> Iterator[str]:
    """Yield what is wrong with the machine."""
    if os.geteuid() != 0:
        yield "this must run as root: repeat the command with sudo"
        return
    if address and _is_address(address) and not _is_local(address):
        yield (
            f"no interface of this machine has the address {address}: `ip -brief address` lists those there are; give "
            "one with --apiserver-advertise-address"
        )
    for port in ports:
        if not _is_free(port):
            yield f"port {port} is in use: `ss -ltnp 'sport = :{port}'` shows by whom; stop that first"
    free = shutil.disk_usage(_existing(folder)).free
    if free < MIN_FREE_BYTES:
        yield f"{folder} has only {free >> 20} MiB free; {MIN_FREE_BYTES >> 20} MiB are needed"


def folder_problems(config: Path, data: Path) -> Iterator[str]:
    """Yield why the units could not work with these folders: they name the one, and may write only below the other."""
    advice = "leave it out, or give --skip-phases start and start the programs yourself"
    if config != UNITS_CONFIG:
        yield f"the units read their settings in {UNITS_CONFIG}, not in --config-dir {config}: {advice}"
    if not data.is_relative_to(UNITS_DATA):
        yield f"the units may write in {UNITS_DATA}, not in --data-dir {data}: {advice}"


def routed_address() -> str:
    """Return the address of the interface with the default route, or "" if there is none."""
    # Connecting a datagram socket sends nothing: it only asks the kernel for a route. The address is TEST-NET-1's.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_local(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
