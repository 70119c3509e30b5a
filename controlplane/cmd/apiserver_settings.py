"""From flags to what the API server is made of: `server_settings(values, remotes)`, files read.

Whoever may call it and do what is in `security.py`, audit in `audit.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.cmd.audit import audit_settings
from controlplane.cmd.security import security_settings
from controlplane.cmd.settings import SettingsError, duration, if_there, networks
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.apiserver.aggregation.assembly import AggregationSettings
    from controlplane.apiserver.allocation import PortRange
    from controlplane.apiserver.encryption import EncryptionSettings
    from controlplane.apiserver.remotes import Remotes
    from controlplane.apiserver.server import ServerSettings

Values = Mapping[str, Any]


def server_settings(values: Values, remotes: Remotes) -> ServerSettings:
    """Return the server's settings, files read. Raises Explained."""
    from controlplane.apiserver.server import ServerSettings

    reads, writes = _in_flight(values)
    return ServerSettings(
        security=security_settings(values, remotes),
        advertise_address=values["advertise-address"] or own_address(values["bind-address"]),
        secure_port=values["secure-port"],
        service_cidrs=tuple(networks(values, "service-cluster-ip-range")),
        node_ports=_node_ports(values),
        event_ttl=int(duration(values, "event-ttl")),
        node_address_types=tuple(values["kubelet-preferred-address-types"]),
        shortest_watch=values["min-request-timeout"],
        max_reads=reads,
        max_writes=writes,
        priority_and_fairness=values["enable-priority-and-fairness"],
        request_timeout=duration(values, "request-timeout"),
        audit=audit_settings(values),
        encryption=encryption_settings(values),
        aggregation=_aggregation(values),
    )


def _node_ports(values: Values) -> PortRange:
    from controlplane.apiserver.allocation import PortRange

    try:
        return PortRange.parse(values["service-node-port-range"])
    except ValueError as error:
        raise SettingsError("--service-node-port-range must be like 30000-32767") from error


def _in_flight(values: Values) -> tuple[int, int]:
    """Return how many reads and writes may be under way at once."""
    reads, writes = values["max-requests-inflight"], values["max-mutating-requests-inflight"]
    for name in ("max-requests-inflight", "max-mutating-requests-inflight"):
        if values[name] < 0:
            raise SettingsError(f"--{name} can not be negative value")
    if values["enable-priority-and-fairness"] and reads + writes <= 0:
        raise SettingsError(
            f"--max-requests-inflight={reads} and --max-mutating-requests-inflight={writes}: "
            "they must add up to something positive, for priority and fairness shares their sum"
        )
    return reads, writes


def encryption_settings(values: Values) -> EncryptionSettings | None:
    """Return what is encrypted at rest, and with which keys. Raises Explained."""
    file, follow = values["encryption-provider-config"], values["encryption-provider-config-automatic-reload"]
    if not file:
        if follow:
            raise SettingsError(
                "--encryption-provider-config-automatic-reload must be set with --encryption-provider-config"
            )
        return None
    from controlplane.api.configuration import ConfigurationError
    from controlplane.apiserver.encryption import read_settings  # and with it NaCl, only for who encrypts

    try:
        return read_settings(Path(file), secrets.token_bytes, follow=follow)
    except OSError as error:
        raise Explained(f"--encryption-provider-config: cannot read {file}: {error.strerror}") from error
    except ConfigurationError as error:
        raise Explained(f"--encryption-provider-config: {error}") from error


def _aggregation(values: Values) -> AggregationSettings:
    from controlplane.apiserver.aggregation.assembly import AggregationSettings
    from controlplane.apiserver.aggregation.remote import FrontProxy

    files = (if_there(values["proxy-client-cert-file"]), if_there(values["proxy-client-key-file"]))
    rejects = values["aggregator-reject-forwarding-redirect"]
    return AggregationSettings(FrontProxy(*files), values["enable-aggregator-routing"], rejects)


def own_address(bind_address: str) -> str:
    """Return the address to advertise: where we listen, or what the way to the outside starts from."""
    import socket

    if bind_address not in ("", "0.0.0.0", "::"):
        return bind_address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nothing is sent, the kernel only picks a source
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
