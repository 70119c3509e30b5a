"""`controlplane apiserver`: from settings to a listening API server."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from controlplane.cmd.admission import plugin_configuration
from controlplane.cmd.audit import audit_settings
from controlplane.cmd.authorities import authorities
from controlplane.cmd.settings import SettingsError, duration, networks, port
from controlplane.cmd.stores import open_store
from controlplane.cmd.tables import APISERVER
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.apiserver.aggregation.assembly import AggregationSettings
    from controlplane.apiserver.encryption import EncryptionSettings
    from controlplane.apiserver.node_dialer import NodeDialer
    from controlplane.apiserver.remotes import Remotes
    from controlplane.apiserver.security import SecuritySettings
    from controlplane.apiserver.server import ServerSettings
    from controlplane.apiserver.serving_tls import ServingTls
    from controlplane.auth.interface import User
    from controlplane.auth.jwt import PublicKey, SigningKey
    from controlplane.auth.request_header import RequestHeaderSettings
    from controlplane.auth.service_account import Lifetimes

_log = logging.getLogger(__name__)

_EPILOG = """examples:
  controlplane apiserver --config /etc/sampan/apiserver.yaml
  # nothing on disk but certificates: everything is gone with the process
  controlplane apiserver --config /etc/sampan/apiserver.yaml --etcd-servers memory:
"""

# Objects allocated before the youngest generation is collected. Requests make garbage without cycles, so the collector
# has little to find, and each of its rounds is a pause.
_GC_THRESHOLDS = (50_000, 50, 100)

Values = Mapping[str, Any]


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "apiserver",
        help="serve the Kubernetes API",
        description="Serves the Kubernetes API over HTTPS, with its store inside.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    APISERVER.add_flags(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import uvloop

    from controlplane.kit.logs import set_up

    values, warnings = APISERVER.resolve(options)
    set_up(values["v"])
    for warning in warnings:
        _log.warning(warning)
    uvloop.run(serve(values, os.environ))
    return 0


async def serve(values: Values, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises Explained."""
    from controlplane.apiserver.http import HttpServer
    from controlplane.apiserver.proxying.client import HttpDialer
    from controlplane.apiserver.remotes import Remotes
    from controlplane.apiserver.server import ApiServer
    from controlplane.kit.clock import SystemClock
    from controlplane.kit.systemd import Notifier
    from controlplane.kit.tasks import running

    clock, notifier = SystemClock(), Notifier(environ)
    random = Random(secrets.randbits(256))  # names and uids must differ, not be secret
    stop = _stop_signal()
    remotes = Remotes(clock)
    settings = server_settings(values, remotes)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(remotes.close)
        store = await stack.enter_async_context(open_store(values, clock, random))
        nodes = await stack.enter_async_context(open_nodes(values))
        dialer = HttpDialer()
        stack.push_async_callback(dialer.close)
        server = await stack.enter_async_context(ApiServer.running(store, settings, clock, random, nodes, dialer))
        tls = serving_tls(values)
        http = HttpServer(server.pipeline.handle, tls.context)
        bound = await stack.enter_async_context(_listening(http, values))
        await stack.enter_async_context(running(notifier.keep_alive(clock), tls.follow(clock)))
        _settle_memory()
        _log.info("serving on %s:%d, version %s", values["bind-address"], bound, server.version.git_version)
        notifier.ready(f"serving on {values['bind-address']}:{bound}")
        await stop.wait()
        server.stop()
        notifier.stopping()
        _log.info("stopping")


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _settle_memory() -> None:
    """Keep the garbage collector away from what lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


@asynccontextmanager
async def _listening(http: Any, values: Values) -> AsyncIterator[int]:
    host, number = values["bind-address"], port(values)
    async with AsyncExitStack() as stack:
        try:
            yielded = await stack.enter_async_context(http.listening(host, number))
        except OSError as error:
            raise Explained(f"cannot listen on {host}:{number}: {error.strerror or error}") from error
        yield yielded


@asynccontextmanager
async def open_nodes(values: Values) -> AsyncIterator[NodeDialer]:
    """Make ready to call nodes, if there is a certificate to show them."""
    from controlplane.apiserver.node_client import NodeClient
    from controlplane.apiserver.node_dialer import NoNodes
    from controlplane.apiserver.tls import node_context

    certificate, key = values["kubelet-client-certificate"], values["kubelet-client-key"]
    if not certificate or not Path(certificate).exists():
        yield NoNodes()
        return
    authority = values["kubelet-certificate-authority"]
    try:
        client = NodeClient(node_context(Path(certificate), Path(key), Path(authority) if authority else None))
    except OSError as error:
        raise Explained(f"--kubelet-client-certificate {certificate} is not usable: {error}") from error
    try:
        yield client
    finally:
        await client.close()


def serving_tls(values: Values) -> ServingTls:
    """Return the certificates to show. Raises Explained."""
    from controlplane.apiserver.serving_tls import Named, ServingTls, restricted
    from controlplane.apiserver.tls import server_context

    authority = Path(values["client-ca-file"]) if values["client-ca-file"] else None
    proxies = _if_there(values["requestheader-client-ca-file"])
    default = Named(Path(values["tls-cert-file"]), Path(values["tls-private-key-file"]))
    try:
        make = restricted(
            lambda certificate, key: server_context(certificate, key, authority, proxies),
            values["tls-min-version"],
            values["tls-cipher-suites"],
        )
        others = [Named.parse(text) for text in values["tls-sni-cert-key"]]
    except ValueError as error:
        raise SettingsError(f"--tls-min-version, --tls-cipher-suites, --tls-sni-cert-key: {error}") from error
    try:
        return ServingTls(make, default, others, [one for one in (authority, proxies) if one])
    except (OSError, ValueError) as error:
        raise Explained(
            f"the serving certificate {default.certificate} or --client-ca-file is not usable: {error}"
        ) from error


def server_settings(values: Values, remotes: Remotes) -> ServerSettings:
    """Return the server's settings, files read. Raises Explained."""
    from controlplane.apiserver.allocation import PortRange
    from controlplane.apiserver.server import ServerSettings

    try:
        ports = PortRange.parse(values["service-node-port-range"])
    except ValueError as error:
        raise SettingsError("--service-node-port-range must be like 30000-32767") from error
    reads, writes = values["max-requests-inflight"], values["max-mutating-requests-inflight"]
    for name in ("max-requests-inflight", "max-mutating-requests-inflight"):
        if values[name] < 0:
            raise SettingsError(f"--{name} can not be negative value")
    if values["enable-priority-and-fairness"] and reads + writes <= 0:
        raise SettingsError(
            f"--max-requests-inflight={reads} and --max-mutating-requests-inflight={writes}: "
            "they must add up to something positive, for priority and fairness shares their sum"
        )
    return ServerSettings(
        security=security_settings(values, remotes),
        advertise_address=values["advertise-address"] or own_address(values["bind-address"]),
        secure_port=values["secure-port"],
        service_cidrs=tuple(networks(values, "service-cluster-ip-range")),
        node_ports=ports,
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


def encryption_settings(values: Values) -> EncryptionSettings | None:
    """Return what is encrypted at rest, and with which keys. Raises Explained."""
    from controlplane.api.configuration import ConfigurationError
    from controlplane.apiserver.encryption import read_settings

    file, follow = values["encryption-provider-config"], values["encryption-provider-config-automatic-reload"]
    if not file:
        if follow:
            raise SettingsError(
                "--encryption-provider-config-automatic-reload must be set with --encryption-provider-config"
            )
        return None
    try:
        return read_settings(Path(file), secrets.token_bytes, follow=follow)
    except OSError as error:
        raise Explained(f"--encryption-provider-config: cannot read {file}: {error.strerror}") from error
    except ConfigurationError as error:
        raise Explained(f"--encryption-provider-config: {error}") from error


def _aggregation(values: Values) -> AggregationSettings:
    from controlplane.apiserver.aggregation.assembly import AggregationSettings
    from controlplane.apiserver.aggregation.remote import FrontProxy

    files = (_if_there(values["proxy-client-cert-file"]), _if_there(values["proxy-client-key-file"]))
    rejects = values["aggregator-reject-forwarding-redirect"]
    return AggregationSettings(FrontProxy(*files), values["enable-aggregator-routing"], rejects)


def _request_headers(values: Values) -> RequestHeaderSettings | None:
    """Return which proxies are believed; none where there is no CA that signs for them."""
    from controlplane.auth.request_header import RequestHeaderSettings

    authority = _if_there(values["requestheader-client-ca-file"])
    if authority is None:
        return None
    return RequestHeaderSettings(
        _read(str(authority)),
        tuple(values["requestheader-allowed-names"]),
        tuple(values["requestheader-username-headers"]),
        tuple(values["requestheader-uid-headers"]),
        tuple(values["requestheader-group-headers"]),
        tuple(values["requestheader-extra-headers-prefix"]),
        authority,
    )


def _if_there(file: str) -> Path | None:
    """Return a file that is named and exists: an older cluster has no front proxy, and goes on without."""
    return Path(file) if file and Path(file).exists() else None


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


def security_settings(values: Values, remotes: Remotes) -> SecuritySettings:
    """Return who may do what. Raises Explained."""
    from controlplane.apiserver.security import SecuritySettings

    enabled, disabled = _plugins(values)
    asked = authorities(values, remotes)
    try:
        return SecuritySettings(
            signing_key=_signing_key(values["service-account-signing-key-file"]),
            verifying_keys=tuple(key for file in values["service-account-key-file"] for key in _verifying_keys(file)),
            issuers=tuple(values["service-account-issuer"]),
            audiences=tuple(values["api-audiences"]),
            jwks_uri=values["service-account-jwks-uri"],
            lifetimes=_lifetimes(values),
            static_tokens=_static_tokens(values["token-auth-file"]),
            anonymous=_anonymous(values, asked.modes),
            bootstrap_tokens=values["enable-bootstrap-token-auth"],
            providers=asked.providers,
            token_webhook=asked.token_webhook,
            client_ca=_read(values["client-ca-file"]) if _if_there(values["client-ca-file"]) else b"",
            client_ca_file=_if_there(values["client-ca-file"]),
            request_headers=_request_headers(values),
            authorization_modes=asked.modes,
            authorization_file=asked.authorization_file,
            enabled_plugins=enabled,
            disabled_plugins=disabled,
            plugin_configuration=plugin_configuration(values["admission-control-config-file"]),
        )
    except ValueError as error:
        raise Explained(str(error)) from error


def _verifying_keys(file: str) -> list[PublicKey]:
    from controlplane.auth.jwt import load_public_keys

    try:
        return load_public_keys(_read(file))
    except ValueError as error:
        raise Explained(f"--service-account-key-file: {file}: {error}") from error


def _static_tokens(file: str) -> Mapping[str, User]:
    from controlplane.auth.static_token import parse_token_file

    try:
        return parse_token_file(_read(file).decode()) if file else {}
    except ValueError as error:
        raise Explained(f"--token-auth-file: {file}: {error}") from error


def _anonymous(values: Values, modes: Sequence[object]) -> bool:
    """Return whether strangers are let in: not where everybody may do everything."""
    if values["anonymous-auth"] and "AlwaysAllow" in modes:
        _log.warning("anonymous requests are not allowed with the AlwaysAllow authorizer: --anonymous-auth is off")
        return False
    return bool(values["anonymous-auth"])


def _lifetimes(values: Values) -> Lifetimes:
    from controlplane.auth.service_account import Lifetimes

    longest = duration(values, "service-account-max-token-expiration")
    if longest and not 3600 <= longest <= 1 << 32:
        raise SettingsError("the service-account-max-token-expiration must be between 1 hour and 2^32 seconds")
    return Lifetimes(int(longest), values["service-account-extend-token-expiration"])


def _signing_key(file: str) -> SigningKey:
    from controlplane.auth.jwt import SigningKey

    try:
        return SigningKey.from_pem(_read(file))
    except ValueError as error:
        raise SettingsError(f"--service-account-signing-key-file: {file} holds no private key in PEM") from error


def _plugins(values: Values) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the admission plugins switched on and off by name."""
    from controlplane.admission.chain import UnknownPlugin, selected

    enabled, disabled = tuple(values["enable-admission-plugins"]), tuple(values["disable-admission-plugins"])
    try:
        _, without_effect = selected(enabled, disabled)
    except UnknownPlugin as error:
        raise SettingsError(f"--enable-admission-plugins, --disable-admission-plugins: {error}") from error
    for name in without_effect:
        _log.warning("--enable-admission-plugins: %s is not part of Sampan yet", name)
    return enabled, disabled


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Explained(f"cannot read {file}: {error.strerror}") from error
