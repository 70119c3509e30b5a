"""`controlplane store`: the store as a process of its own, which speaks etcd's protocol."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from controlplane.cmd.stores import compaction, damage_of, identity_of, open_sqlite, serve_store
from controlplane.cmd.tables import STORE

_log = logging.getLogger(__name__)

_EPILOG = """examples:
  controlplane store --config /etc/sampan/store.yaml
  controlplane store --data-dir /var/lib/sampan --listen-client-urls https://127.0.0.1:2379

and the API server then with --etcd-servers https://127.0.0.1:2379
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "store",
        help="serve the store as a process of its own, as an etcd",
        description="Serves the database in data-dir to API servers and to etcdctl, over etcd's v3 protocol.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    STORE.add_flags(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.kit import run as process
    from controlplane.kit.logs import set_up

    values, warnings = STORE.resolve(options)
    set_up(values["v"])
    for warning in warnings:
        _log.warning(warning)
    return process.run(lambda: serve(values, os.environ))


async def serve(values: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Serve until cancelled. Raises Explained."""
    import asyncio

    from controlplane.cmd.store_pages import store_pages
    from controlplane.kit.clock import SystemClock
    from controlplane.kit.systemd import Notifier
    from controlplane.kit.tasks import running

    clock, random, notifier = SystemClock(), Random(secrets.randbits(256)), Notifier(environ)
    urls = values["listen-client-urls"]
    identity = identity_of(values, "cert-file", "key-file", "trusted-ca-file")
    policy = compaction(values["auto-compaction-retention"])
    async with (
        open_sqlite(Path(values["data-dir"]) / "store.db", clock, policy) as store,
        serve_store(store, urls, values["advertise-client-urls"] or urls, identity, clock, random, values["name"]),
        store_pages(store, damage_of(store), values["listen-metrics-urls"], identity),
        running(notifier.keep_alive(clock)),
    ):
        _log.info("serving at %s", ", ".join(urls))
        notifier.ready(f"serving at {', '.join(urls)}")
        try:
            await asyncio.Event().wait()
        finally:
            notifier.stopping()
