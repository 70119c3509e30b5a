"""`controlplane apiserver`: from settings to a listening API server."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from controlplane.cmd.apiserver_settings import server_settings
from controlplane.cmd.settings import SettingsError, if_there, port
from controlplane.cmd.stores import open_store, serve_inside
from controlplane.cmd.tables import APISERVER
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.apiserver.node_dialer import NodeDialer
    from controlplane.apiserver.server import ApiServer
    from controlplane.apiserver.serving_tls import ServingTls

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

    gc.disable()  # what a start makes, stays: looking through it again and again took a tenth of the time
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
    from controlplane.kit.memory import give_back
    from controlplane.kit.systemd import Notifier
    from controlplane.kit.tasks import running

    clock, notifier = SystemClock(), Notifier(environ)
    random = Random(secrets.randbits(256))  # names and uids must differ, not be secret
    stop = _stop_signal()
    remotes = Remotes(clock)
    settings = server_settings(values, remotes)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(remotes.close)
        store = await stack.enter_async_context(open_store(values, clock))
        nodes = await stack.enter_async_context(open_nodes(values))
        dialer = HttpDialer()
        stack.push_async_callback(dialer.close)
        server = await stack.enter_async_context(ApiServer.running(store, settings, clock, random, nodes, dialer))
        await stack.enter_async_context(running(_refuse_when(stop, server)))
        tls = serving_tls(values)
        http = HttpServer(server.pipeline.handle, tls.context)
        bound = await stack.enter_async_context(_listening(http, values))
        await stack.enter_async_context(serve_inside(store, values, clock, random))
        await stack.enter_async_context(running(notifier.keep_alive(clock), tls.follow(clock), give_back(clock)))
        _settle_memory()
        _log.info("serving on %s:%d, version %s", values["bind-address"], bound, server.version.git_version)
        notifier.ready(f"serving on {values['bind-address']}:{bound}")
        await stop.wait()
        notifier.stopping()
        _log.info("stopping")


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _refuse_when(stop: asyncio.Event, server: ApiServer) -> None:
    """Say not ready as soon as the process is told to stop, be it while what follows still starts."""
    await stop.wait()
    server.stop()


def _settle_memory() -> None:
    """Let the garbage collector work from now on, away from what lives as long as the process."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()


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
    proxies = if_there(values["requestheader-client-ca-file"])
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
