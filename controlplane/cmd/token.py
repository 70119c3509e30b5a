"""`controlplane token`: bootstrap tokens, by which machines become nodes."""

from __future__ import annotations

import argparse
import asyncio
import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.cmd.cluster_client import open_client
from controlplane.cmd.settings import seconds
from controlplane.kit.clock import Clock, SystemClock
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.api.core_v1 import Secret
    from controlplane.client.client import Client

_EPILOG = """examples:
  controlplane token create --print-join-command      # the line to run on a new node
  controlplane token create --ttl 2h
  controlplane token list
  controlplane token delete abcdef
  controlplane token generate                         # prints one without making it valid
"""
_COLUMNS = ("TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS")


class TokenError(Explained):
    """The command could not do what it was asked for."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "token",
        help="bootstrap tokens, by which machines become nodes",
        description="Makes, lists and deletes bootstrap tokens.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token valid, and print it")
    create.add_argument("token", nargs="?", default="", help="such as abcdef.0123456789abcdef (default: a new one)")
    create.add_argument("--ttl", metavar="DURATION", default="24h0m0s", help="0: for ever (default: 24h0m0s)")
    create.add_argument("--description", default="", help="what it is for")
    create.add_argument("--groups", default="", help="extra groups, comma-separated (default: those of nodes to be)")
    create.add_argument("--print-join-command", action="store_true", help="print the `nodeagent join` line instead")
    actions.add_parser("list", help="show the tokens there are")
    delete = actions.add_parser("delete", help="end tokens")
    delete.add_argument("tokens", nargs="+", metavar="TOKEN", help="a token or its first six characters")
    actions.add_parser("generate", help="print a token; it is valid for nothing yet")
    for action in (create, actions.choices["list"], delete):
        action.add_argument("--kubeconfig", default="", help="default: admin.conf of the configuration folder")
        action.add_argument(
            "--config-dir", metavar="DIR", type=Path, default=Path("/etc/sampan"), help="default: /etc/sampan"
        )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.action == "generate":
        from controlplane.pki import tokens

        print(tokens.generate())
        return 0
    asyncio.run(_with_client(options, SystemClock()))
    return 0


async def _with_client(options: argparse.Namespace, clock: Clock) -> None:
    path = Path(options.kubeconfig) if options.kubeconfig else options.config_dir / "admin.conf"
    async with open_client(path, clock, user_agent="controlplane-token") as client:
        if options.action == "create":
            print(await create(client, options, clock.now()))
        elif options.action == "list":
            print("\n".join(table(await _secrets(client), clock.now())))
        else:
            for token in options.tokens:
                print(await delete(client, token))


async def create(client: Client, options: argparse.Namespace, now: datetime) -> str:
    """Make a token valid; return it, or the line that uses it. Raises TokenError."""
    from controlplane.api.status import AlreadyExists
    from controlplane.cmd import cluster_config, cluster_objects
    from controlplane.pki import tokens
    from controlplane.pki.cluster import ClusterFiles

    try:
        token = tokens.parse(options.token) if options.token else tokens.generate()
    except ValueError as error:
        raise TokenError(str(error)) from error
    ttl = timedelta(seconds=seconds(options.ttl))
    groups = tuple(filter(None, options.groups.split(","))) or tokens.DEFAULT_GROUPS
    secret = cluster_objects.token_secret(
        token, expires=now + ttl if ttl else None, description=options.description, groups=groups
    )
    try:
        await client.create(secret)
    except AlreadyExists:
        raise TokenError(f"a token with the id {token.id} exists already") from None
    if not options.print_join_command:
        return str(token)
    endpoint = cluster_config.load(options.config_dir)
    return cluster_config.join_command(endpoint, str(token), ClusterFiles(options.config_dir).ca_pem)


async def _secrets(client: Client) -> Sequence[Secret]:
    from controlplane.api.core_v1 import Secret
    from controlplane.pki.tokens import SECRET_TYPE

    return (await client.list(Secret, "kube-system", fields=f"type={SECRET_TYPE}")).items


async def delete(client: Client, token: str) -> str:
    """End a token; return what was done. Raises TokenError."""
    from controlplane.api.core_v1 import Secret
    from controlplane.api.status import NotFound
    from controlplane.pki.tokens import SECRET_PREFIX

    token_id = token.split(".", 1)[0]
    try:
        await client.delete(Secret, SECRET_PREFIX + token_id, "kube-system")
    except NotFound:
        raise TokenError(f"there is no token with the id {token_id}") from None
    return f'bootstrap token "{token_id}" deleted'


def table(secrets: Sequence[Secret], now: datetime) -> list[str]:
    """Return the lines that `token list` prints."""
    rows = [_COLUMNS, *sorted(_row(secret, now) for secret in secrets)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(secret: Secret, now: datetime) -> tuple[str, ...]:
    data = {key: base64.b64decode(value).decode(errors="replace") for key, value in secret.data.items()}
    usages = sorted(
        key.removeprefix("usage-bootstrap-")
        for key, value in data.items()
        if key.startswith("usage-bootstrap-") and value == "true"
    )
    expiration = data.get("expiration", "")
    return (
        f"{data.get('token-id', '')}.{data.get('token-secret', '')}",
        time_left(expiration, now),
        expiration or "<never>",
        ",".join(usages) or "<none>",
        data.get("description") or "<none>",
        data.get("auth-extra-groups") or "<none>",
    )


def time_left(expiration: str, now: datetime) -> str:
    """Return how long a token is still good: 23h, 5m, <invalid>, <forever>."""
    from controlplane.kit.timestamps import parse_time

    if not expiration:
        return "<forever>"
    try:
        left = int((parse_time(expiration) - now).total_seconds())
    except ValueError:
        return "<invalid>"
    if left <= 0:
        return "<invalid>"
    if left >= 48 * 3600:
        return f"{left // 86400}d"
    return f"{left // 3600}h" if left >= 3600 else f"{left // 60}m" if left >= 60 else f"{left}s"
