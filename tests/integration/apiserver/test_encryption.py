"""Encryption at rest: what is in the store, what callers see, changing keys, and values that nobody can read."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from controlplane.apiserver.encryption import read_settings
from controlplane.apiserver.server import ApiServer
from controlplane.auth.interface import User
from controlplane.kit.clock import ManualClock, SystemClock
from controlplane.store.memory import MemoryStore
from controlplane.testing import MemoryApi
from controlplane.testing.memory import default_settings
from tests.integration.apiserver.conftest import Asker

SECRETS = "/api/v1/namespaces/default/secrets"
KEY = "/registry/secrets/default/login"
IDENTITY: dict[str, Any] = {"identity": {}}


def keys(*letters: str) -> dict[str, Any]:
    return {"keys": [{"name": f"key-{a}", "secret": base64.b64encode(a.encode() * 32).decode()} for a in letters]}


OLD, NEW = {"aescbc": keys("a")}, {"secretbox": keys("b")}


def write(file: Path, *providers: dict[str, Any]) -> Path:
    rules = [{"resources": ["secrets"], "providers": list(providers)}]
    document = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": rules}
    file.write_bytes(msgspec.json.encode(document))
    return file


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    async with MemoryStore.open(SystemClock()) as opened:
        yield opened


@asynccontextmanager
async def server(store: MemoryStore, file: Path | None = None, **options: Any) -> AsyncIterator[Asker]:
    """Run a server over a store that outlives it."""
    clock = options.pop("clock", None) or SystemClock()
    encryption = read_settings(file, secrets.token_bytes, **options) if file else None
    settings = replace(default_settings(), encryption=encryption)
    async with ApiServer.running(store, settings, clock, Random(7)) as running:
        yield Asker(MemoryApi(running, store))


async def stored(store: MemoryStore, key: str = KEY) -> bytes:
    record = await store.get(key)
    assert record is not None
    return record.value


async def make(ask: Asker, name: str = "login") -> Any:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {"word": "c2VzYW1l"}}
    told = await ask("POST", SECRETS, body)
    assert told.status == 201
    return told.body


async def test_the_store_holds_no_secret_and_callers_see_it(store: MemoryStore, tmp_path: Path) -> None:
    async with server(store, write(tmp_path / "enc", OLD, IDENTITY)) as ask:
        made = await make(ask)
        value = await stored(store)
        assert value.startswith(b"k8s:enc:aescbc:v1:key-a:")
        assert b"c2VzYW1l" not in value
        assert (await ask("GET", f"{SECRETS}/login")).body == made
        assert [one["data"] for one in (await ask("GET", SECRETS)).body["items"]] == [{"word": "c2VzYW1l"}]
        assert (await stored(store, "/registry/namespaces/default")).startswith(b"{")
        metrics = (await ask("GET", "/metrics")).body
        assert 'transformation_type="to_storage",transformer_prefix="k8s:enc:aescbc:v1:"' in metrics


async def test_a_server_that_starts_reads_what_the_last_one_sealed(store: MemoryStore, tmp_path: Path) -> None:
    file = write(tmp_path / "enc", OLD, IDENTITY)
    async with server(store, file) as ask:
        made = await make(ask)
    async with server(store, file) as ask:
        assert (await ask("GET", f"{SECRETS}/login")).body == made
        exact = await ask("GET", SECRETS, resourceVersion=made["metadata"]["resourceVersion"],
                          resourceVersionMatch="Exact")  # fmt: skip
        assert exact.body["items"][0]["data"] == {"word": "c2VzYW1l"}


async def test_replacing_an_object_by_itself_seals_it_with_the_key_in_force(store: MemoryStore, tmp_path: Path) -> None:
    async with server(store, write(tmp_path / "enc", OLD, IDENTITY)) as ask:
        await make(ask)
    async with server(store, write(tmp_path / "enc", NEW, OLD, IDENTITY)) as ask:
        read = (await ask("GET", f"{SECRETS}/login")).body
        assert (await stored(store)).startswith(b"k8s:enc:aescbc:v1:key-a:")
        assert (await ask("PUT", f"{SECRETS}/login", read)).status == 200
        assert (await stored(store)).startswith(b"k8s:enc:secretbox:v1:key-b:")
        again = (await ask("GET", f"{SECRETS}/login")).body
        assert again["metadata"]["resourceVersion"] != read["metadata"]["resourceVersion"]
        # and once it is, replacing it changes nothing
        assert (await ask("PUT", f"{SECRETS}/login", again)).body == again


async def test_encryption_is_switched_on_and_off(store: MemoryStore, tmp_path: Path) -> None:
    async with server(store) as ask:
        await make(ask)
        assert (await stored(store)).startswith(b"{")
    for providers, opening in (((OLD, IDENTITY), b"k8s:enc:aescbc:v1:"), ((IDENTITY, OLD), b"{")):
        async with server(store, write(tmp_path / "enc", *providers)) as ask:
            read = (await ask("GET", f"{SECRETS}/login")).body
            await ask("PUT", f"{SECRETS}/login", read)
            assert (await stored(store)).startswith(opening)


async def test_a_changed_file_is_followed(store: MemoryStore, tmp_path: Path) -> None:
    clock = ManualClock()
    file = write(tmp_path / "enc", OLD, IDENTITY)
    async with server(store, file, follow=True, clock=clock) as ask:
        await make(ask)
        write(file, NEW, OLD, IDENTITY)
        await clock.advance(60)
        await make(ask, "second")
        assert (await stored(store, "/registry/secrets/default/second")).startswith(b"k8s:enc:secretbox:v1:key-b:")
        assert (await ask("GET", f"{SECRETS}/login")).status == 200
        file.write_text("nonsense")
        await clock.advance(60)
        await make(ask, "third")
        metrics = (await ask("GET", "/metrics")).body
        for status in ("success", "failure"):
            assert 'automatic_reloads_total{apiserver_id_hash="' in metrics
            assert f'status="{status}"}} 1.0' in metrics


CORRUPT = (
    "StorageError: corrupt object, Code: 7, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: data from the storage is "
    "not transformable revision=0: {}"
)


@pytest.fixture
async def locked(store: MemoryStore, tmp_path: Path) -> AsyncIterator[Asker]:
    """A server that has lost the key of one secret, and holds another."""
    async with server(store, write(tmp_path / "enc", OLD)) as ask:
        await make(ask)
    async with server(store, write(tmp_path / "enc", NEW, IDENTITY)) as ask:
        await make(ask, "other")
        yield ask


async def test_what_cannot_be_read_is_said(locked: Asker) -> None:
    told = await locked("GET", f"{SECRETS}/login")
    why = CORRUPT.format("/secrets/default/login", "no matching prefix found")
    assert (told.status, told.reason, told.message) == (500, "InternalError", f"Internal error occurred: {why}")
    assert (await locked("GET", f"{SECRETS}/other")).status == 200


async def test_a_list_is_never_short_without_a_word(locked: Asker) -> None:
    told = await locked("GET", SECRETS)
    why = CORRUPT.format(KEY, "no matching prefix found")
    assert (told.status, told.reason) == (500, "StoreReadError")
    assert told.message == f"failed to read one or more secrets from the storage: {why}"
    assert told.body["details"]["causes"] == [{"reason": "UnexpectedServerResponse", "message": why, "field": KEY}]
    assert (await locked("GET", "/api/v1/namespaces/kube-system/secrets")).status == 200
    assert (await locked("GET", "/api/v1/configmaps")).status == 200


async def test_what_cannot_be_read_is_not_overwritten(locked: Asker, store: MemoryStore) -> None:
    before = await stored(store)
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}}
    assert (await locked("PUT", f"{SECRETS}/login", body)).status == 500
    assert (await locked("POST", SECRETS, body)).status == 409
    assert (await locked("DELETE", f"{SECRETS}/login")).status == 500
    assert await stored(store) == before


async def test_what_cannot_be_read_can_be_deleted_by_who_may_and_says_so(locked: Asker, store: MemoryStore) -> None:
    unread = {"kind": "DeleteOptions", "apiVersion": "v1", "ignoreStoreReadErrorWithClusterBreakingPotential": True}
    readable = await locked("DELETE", f"{SECRETS}/other", unread)
    assert (readable.status, "unsafe deletion is not allowed" in readable.message) == (409, True)
    combined = await locked("DELETE", f"{SECRETS}/login", {**unread, "propagationPolicy": "Background"})
    assert (combined.status, "cannot be set together with .propagationPolicy" in combined.message) == (422, True)
    assert (await locked("DELETE", f"{SECRETS}/login", unread, user=User("jane"))).status == 403
    assert (await locked("DELETE", f"{SECRETS}/login", {**unread, "dryRun": ["All"]})).status == 200
    assert await store.get(KEY) is not None
    assert (await locked("DELETE", f"{SECRETS}/login", unread)).status == 200
    assert await store.get(KEY) is None
    assert (await locked("GET", SECRETS)).status == 200


async def test_without_a_configuration_a_sealed_value_is_no_object(store: MemoryStore, tmp_path: Path) -> None:
    async with server(store, write(tmp_path / "enc", OLD)) as ask:
        await make(ask)
    async with server(store) as ask:
        told = await ask("GET", f"{SECRETS}/login")
        assert (told.status, "identity transformer tried to read encrypted data" in told.message) == (500, True)


async def test_a_value_that_breaks_while_the_server_runs_ends_the_watches(store: MemoryStore) -> None:
    async with server(store) as ask:
        made = await make(ask)
        revision = await store.put(KEY, b"neither JSON nor sealed", expected=None)
        await ask.api.server.cache.reached(revision)
        told = await ask("GET", f"{SECRETS}/login")
        assert (told.status, "object not decodable" in told.message) == (500, True)
        late = await ask("GET", SECRETS, watch="1", resourceVersion=made["metadata"]["resourceVersion"])
        assert late.status == 410
        await store.put(KEY, b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"login"}}', expected=None)
        await ask.api.server.cache.fresh()
        assert (await ask("GET", f"{SECRETS}/login")).status == 200
