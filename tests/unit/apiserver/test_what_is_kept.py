"""What the server keeps in memory of an object besides its bytes."""

from __future__ import annotations

from controlplane.api.codec import encode
from controlplane.api.core_v1 import Pod, PodSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.cached_object import CachedObject, opening, tail_of
from controlplane.apiserver.catalog import built_in_caches, built_in_storages
from controlplane.apiserver.handlers.list import list_answer
from controlplane.apiserver.messages import Stream
from controlplane.apiserver.reader import CacheReader
from controlplane.apiserver.selection import Page
from controlplane.apiserver.watch_cache import ResourceCache, WatchCache
from controlplane.kit.clock import ManualClock
from controlplane.store.interface import Event
from controlplane.store.memory import MemoryStore

OPEN = opening("v1", "Pod")


def a_pod(name: str, node: str = "", account: str = "default") -> bytes:
    metadata = ObjectMeta(name=name, namespace="shop", labels={"app": "web"})
    return encode(Pod(metadata=metadata, spec=PodSpec(node_name=node, service_account_name=account)))


def written(revision: int, name: str, **spec: str) -> Event:
    return Event(f"/registry/pods/shop/{name}", a_pod(name, **spec), revision, revision)


def cached(name: str) -> CachedObject:
    return CachedObject(f"shop/{name}", 1, tail_of(a_pod(name), OPEN, 1))


def test_equal_labels_and_fields_are_one_text() -> None:
    one, other = cached("web-0"), cached("web-1")
    assert one.labels["app"] is other.labels["app"]
    fields = [
        item.fields(lambda pod: {"spec.serviceAccountName": pod["spec"]["serviceAccountName"]}) for item in (one, other)
    ]
    assert fields[0]["spec.serviceAccountName"] is fields[1]["spec.serviceAccountName"]


def test_a_replaced_version_keeps_no_typed_object() -> None:
    cache = ResourceCache("/registry/pods/", OPEN)
    cache.apply([written(1, "web-0")])
    old = cache.get("shop/web-0")
    assert old is not None
    typed = old.object(OPEN, Pod)
    assert old.object(OPEN, Pod) is typed  # as long as it is the newest
    cache.apply([written(2, "web-0", node="node-1")])
    assert old.object(OPEN, Pod) is not typed


async def test_a_reader_decodes_what_mentions_all_texts_and_keeps_none_of_it() -> None:
    async with MemoryStore.open(ManualClock()) as store:
        cache = WatchCache(store, ManualClock(), built_in_caches())
        storages = built_in_storages(store, cache, 3600)
        reader = CacheReader()
        reader.attach(storages)
        pods = [
            ("web-0", "node-1", "web"),
            ("web-1", "node-2", "web"),
            ("db-0", "node-1", "db"),
            ("db-1", "node-10", "db"),
        ]
        storages["", "v1", "pods"].cache.apply(
            [
                written(revision, name, node=node, account=account)
                for revision, (name, node, account) in enumerate(pods, 1)
            ]
        )
        found = {texts: list(reader.mentioning(Pod, "shop", *texts)) for texts in [("node-1",), ("node-1", "db")]}
        assert {texts: [pod.metadata.name for pod in pods] for texts, pods in found.items()} == {
            ("node-1",): ["db-0", "web-0"],
            ("node-1", "db"): ["db-0"],
        }
        assert next(reader.mentioning(Pod, "shop", "web-0")) is not found["node-1",][1]
        assert not list(reader.mentioning(Pod, "elsewhere", "node-1"))


async def test_a_large_list_is_never_together_in_memory() -> None:
    async with MemoryStore.open(ManualClock()) as store:
        storage = built_in_storages(store, WatchCache(store, ManualClock(), built_in_caches()), 3600)["", "v1", "pods"]
    largest = 20_000
    items = [CachedObject(f"shop/{n}", n, b'"data":"%s"}' % (b"x" * (n * 997 % largest))) for n in range(1, 301)]
    answer = list_answer(storage, Page(items, 300))
    assert isinstance(answer, Stream)
    pieces = [len(piece) async for piece in answer.chunks]
    assert sum(pieces) == answer.length
    assert max(pieces) < 300_000  # of some 3,000,000: the size meant, and one object more


def test_the_log_holds_what_was_deleted_once() -> None:
    cache = ResourceCache("/registry/pods/", OPEN)
    cache.apply([written(1, "web-0")])
    cache.apply([Event("/registry/pods/shop/web-0", None, 2, 0)])
    (added, deleted) = cache.log.read(cache.log.position_after(0), 10)
    assert (added.type, deleted.type) == (b"ADDED", b"DELETED")
    assert deleted.previous is deleted.object
    assert (deleted.object.revision, deleted.object.labels) == (2, {"app": "web"})
