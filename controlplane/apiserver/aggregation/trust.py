"""What extension API servers must know to believe this one: ConfigMap kube-system/extension-apiserver-authentication.

They read it at their start and follow it: which CA signs our front-proxy certificate, which headers carry the caller,
and who signs the certificates of users who come to them directly.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from controlplane.api.core_v1 import ConfigMap
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import NotFound
from controlplane.apiserver.aggregation.following import follow
from controlplane.apiserver.watch_cache import ResourceCache
from controlplane.auth.request_header import RequestHeaderSettings
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.client.workqueue import WorkQueue
from controlplane.kit.clock import Clock

NAMESPACE, NAME = "kube-system", "extension-apiserver-authentication"


def trust_data(client_ca: bytes, headers: RequestHeaderSettings | None) -> dict[str, str]:
    """Return the ConfigMap's data; what is not set up is not mentioned."""
    data = {"client-ca-file": client_ca.decode()} if client_ca else {}
    if headers is not None:
        data |= {
            "requestheader-client-ca-file": headers.client_ca.decode(),
            "requestheader-allowed-names": _listed(headers.allowed_names),
            "requestheader-username-headers": _listed(headers.username_headers),
            "requestheader-uid-headers": _listed(headers.uid_headers),
            "requestheader-group-headers": _listed(headers.group_headers),
            "requestheader-extra-headers-prefix": _listed(headers.extra_prefixes),
        }
    return data


def _listed(names: Sequence[str]) -> str:
    return json.dumps(list(names), separators=(",", ":"))


def combined(there: Mapping[str, str], ours: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Return what is there with what is ours in it: other API servers, and CAs on their way out, stay trusted.

    Certificates that have expired are left out, and so is what cannot be read.
    """
    data = dict(there)
    for key, text in ours.items():
        data[key] = (_bundles if key.endswith("-ca-file") else _lists)(there.get(key, ""), text, now)
    return data


def _bundles(there: str, ours: str, now: datetime) -> str:
    kept: dict[bytes, x509.Certificate] = {}
    for bundle in (there, ours):
        with suppress(ValueError):
            for one in x509.load_pem_x509_certificates(bundle.encode()):
                kept[one.public_bytes(Encoding.DER)] = one
    valid = [one for one in kept.values() if one.not_valid_after_utc > now]
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in valid)


def _lists(there: str, ours: str, _: datetime) -> str:
    names: list[str] = []
    with suppress(msgspec.DecodeError):
        names = msgspec.json.decode(there, type=list[str])
    return _listed(list(dict.fromkeys([*names, *json.loads(ours)])))


class TrustConfigMap:
    """Keeps the ConfigMap as it should be, whoever changes it."""

    def __init__(self, data: Mapping[str, str], client: Client, clock: Clock):
        self._data, self._client, self._clock = dict(data), client, clock
        self._queue: WorkQueue[str] = WorkQueue("cluster_authentication_trust_controller", clock)

    async def run(self, cache: ResourceCache) -> None:
        """Follow and write until the server stops; a server that is trusted by nothing has nothing to write."""
        if not self._data:
            return
        key = f"{NAMESPACE}/{NAME}"
        async with asyncio.TaskGroup() as group:
            group.create_task(follow(cache, self._queue.add, lambda change: change.object.key == key))
            group.create_task(Reconciler(self._queue.name, self.reconcile, self._queue).run())

    async def reconcile(self, _: str) -> None:
        try:
            now = await self._client.get(ConfigMap, NAME, NAMESPACE)
        except NotFound:
            await self._client.create(ConfigMap(metadata=ObjectMeta(name=NAME, namespace=NAMESPACE), data=self._data))
            return
        data = combined(now.data, self._data, self._clock.now())
        if data != now.data:
            await self._client.update(replace(now, data=data))
