"""What etcdctl does not ask for, as other clients say it on the wire; against our server and a real etcd."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import grpc
import grpc.aio
import pytest

from controlplane.kit.clock import SystemClock
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server import EtcdServer
from controlplane.store.memory import MemoryStore
from tests.fakes.etcd import make_certificates
from tests.integration.etcd.conftest import Served


class Wire:
    """A channel, and messages as they are."""

    def __init__(self, channel: grpc.aio.Channel):
        self._channel = channel

    async def ask(self, method: str, request: Any, response: Any) -> Any:
        call = self._channel.unary_unary(
            f"/etcdserverpb.{method}", type(request).SerializeToString, response.FromString
        )
        return await call(request, timeout=20)

    async def put(self, key: bytes, value: bytes = b"", **more: Any) -> pb.PutResponse:
        answer: pb.PutResponse = await self.ask("KV/Put", pb.PutRequest(key=key, value=value, **more), pb.PutResponse)
        return answer

    async def range(self, **request: Any) -> pb.RangeResponse:
        answer: pb.RangeResponse = await self.ask("KV/Range", pb.RangeRequest(**request), pb.RangeResponse)
        return answer

    async def txn(self, **request: Any) -> pb.TxnResponse:
        answer: pb.TxnResponse = await self.ask("KV/Txn", pb.TxnRequest(**request), pb.TxnResponse)
        return answer

    def converse(self, method: str, request: Any, response: Any) -> Any:
        return self._channel.stream_stream(f"/etcdserverpb.{method}", request.SerializeToString, response.FromString)()


class Watching:
    """A watch stream."""

    def __init__(self, call: Any):
        self._call = call

    async def say(self, **request: Any) -> None:
        await self._call.write(pb.WatchRequest(**request))

    async def create(self, **request: Any) -> pb.WatchResponse:
        await self.say(create_request=pb.WatchCreateRequest(**request))
        answer = await self.hear()
        assert answer.created
        return answer

    async def hear(self) -> pb.WatchResponse:
        async with asyncio.timeout(20):
            answer: pb.WatchResponse = await self._call.read()
        return answer

    async def events(self, count: int) -> list[tuple[int, pb.Event]]:
        """The next events, with the watch they are of."""
        found: list[tuple[int, pb.Event]] = []
        while len(found) < count:
            answer = await self.hear()
            found += [(answer.watch_id, event) for event in answer.events]
        return found


@pytest.fixture
async def wire(served: Served) -> AsyncIterator[Wire]:
    address = served.endpoint.removeprefix("https://")
    async with grpc.aio.secure_channel(address, served.tls.client.channel_credentials()) as channel:
        yield Wire(channel)


@pytest.fixture
async def watching(wire: Wire) -> AsyncIterator[Watching]:
    call = wire.converse("Watch/Watch", pb.WatchRequest, pb.WatchResponse)
    yield Watching(call)
    call.cancel()


class TestRange:
    @pytest.fixture
    async def three(self, wire: Wire) -> Wire:
        """a: 2 and 5, b: 3, c: 4."""
        for key in (b"a", b"b", b"c", b"a"):
            await wire.put(key, key)
        return wire

    @pytest.mark.parametrize(
        ("request_", "keys"),
        [
            pytest.param({"min_mod_revision": 4}, [b"a", b"c"], id="modified since"),
            pytest.param({"max_mod_revision": 4}, [b"b", b"c"], id="not modified since"),
            pytest.param({"min_create_revision": 3}, [b"b", b"c"], id="created since"),
            pytest.param({"max_create_revision": 3}, [b"a", b"b"], id="created until"),
            pytest.param({"min_mod_revision": 3, "limit": 1}, [b"a"], id="filtered, then limited"),
            pytest.param(
                {"sort_target": pb.RangeRequest.MOD}, [b"b", b"c", b"a"], id="sorted, upwards if nothing is said"
            ),
            pytest.param(
                {"sort_target": pb.RangeRequest.VERSION, "sort_order": pb.RangeRequest.DESCEND, "limit": 1},
                [b"a"],
                id="the most written",
            ),
        ],
    )
    async def test_filters(self, three: Wire, request_: dict[str, Any], keys: list[bytes]) -> None:
        answer = await three.range(key=b"\0", range_end=b"\0", **request_)
        assert [kv.key for kv in answer.kvs] == keys
        assert answer.count == 3

    async def test_counting_alone(self, three: Wire) -> None:
        answer = await three.range(key=b"a", range_end=b"c", count_only=True)
        assert (answer.count, len(answer.kvs), answer.more) == (2, 0, False)

    async def test_pages_at_one_revision(self, three: Wire) -> None:
        page = await three.range(key=b"\0", range_end=b"\0", limit=2)
        assert ([kv.key for kv in page.kvs], page.more, page.count) == ([b"a", b"b"], True, 3)
        await three.put(b"bb")
        rest = await three.range(key=b"b\0", range_end=b"\0", limit=2, revision=page.header.revision)
        assert ([kv.key for kv in rest.kvs], rest.more, rest.count) == ([b"c"], False, 1)
        assert rest.header.revision == page.header.revision + 1

    @pytest.mark.parametrize("range_end", [b"\xff", b"b\xff", b"\xc3"])
    async def test_a_bound_need_not_be_text(self, three: Wire, range_end: bytes) -> None:
        answer = await three.range(key=b"a", range_end=range_end, keys_only=True)
        assert [kv.key for kv in answer.kvs] == ([b"a", b"b"] if range_end == b"b\xff" else [b"a", b"b", b"c"])

    async def test_a_key_is_needed(self, wire: Wire) -> None:
        for method, request, response in (
            ("KV/Range", pb.RangeRequest(), pb.RangeResponse),
            ("KV/Put", pb.PutRequest(), pb.PutResponse),
            ("KV/DeleteRange", pb.DeleteRangeRequest(), pb.DeleteRangeResponse),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await wire.ask(method, request, response)
            assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert refused.value.details() == "etcdserver: key is not provided"


class TestTxn:
    async def test_as_an_api_server_writes(self, wire: Wire) -> None:
        """Create, update at a revision, fail at an old one, delete."""

        async def swap(expected: int, **operation: Any) -> pb.TxnResponse:
            compare = pb.Compare(target=pb.Compare.MOD, result=pb.Compare.EQUAL, key=b"a", mod_revision=expected)
            look = pb.RequestOp(request_range=pb.RangeRequest(key=b"a"))
            return await wire.txn(compare=[compare], success=[pb.RequestOp(**operation)], failure=[look])

        one, two = (pb.PutRequest(key=b"a", value=value) for value in (b"1", b"2"))
        created = await swap(0, request_put=one)
        assert created.succeeded and created.header.revision == 2
        assert created.responses[0].response_put.header.revision == 2
        again = await swap(0, request_put=one)
        assert not again.succeeded and again.header.revision == 2
        assert again.responses[0].response_range.kvs[0].value == b"1"
        assert (await swap(2, request_put=two)).header.revision == 3
        deletion = pb.DeleteRangeRequest(key=b"a")
        stale = await swap(2, request_delete_range=deletion)
        assert stale.responses[0].response_range.kvs[0].mod_revision == 3
        deleted = await swap(3, request_delete_range=deletion)
        assert deleted.succeeded and deleted.responses[0].response_delete_range.deleted == 1
        gone = await swap(3, request_put=one)
        assert not gone.succeeded and not gone.responses[0].response_range.kvs

    async def test_nested(self, wire: Wire) -> None:
        await wire.put(b"a", b"1")
        inner = pb.TxnRequest(
            compare=[pb.Compare(target=pb.Compare.VALUE, key=b"a", value=b"2")],
            success=[pb.RequestOp(request_put=pb.PutRequest(key=b"b", value=b"seen"))],
            failure=[pb.RequestOp(request_put=pb.PutRequest(key=b"b", value=b"not seen"))],
        )
        answer = await wire.txn(
            success=[
                pb.RequestOp(request_put=pb.PutRequest(key=b"a", value=b"2")),
                pb.RequestOp(request_txn=inner),
                pb.RequestOp(request_range=pb.RangeRequest(key=b"a", range_end=b"c")),
            ]
        )
        assert not answer.responses[1].response_txn.succeeded, "comparisons come before all writes"
        shown = {kv.key: kv.value for kv in answer.responses[2].response_range.kvs}
        assert shown == {b"a": b"2", b"b": b"not seen"}

    async def test_a_range_is_compared_key_by_key(self, wire: Wire) -> None:
        for key in (b"a", b"b"):
            await wire.put(key, b"same")

        async def all_are(value: bytes) -> bool:
            compare = pb.Compare(target=pb.Compare.VALUE, key=b"a", range_end=b"c", value=value)
            return (await wire.txn(compare=[compare])).succeeded

        assert await all_are(b"same")
        await wire.put(b"b", b"other")
        assert not await all_are(b"same")

    async def test_what_was_there_is_shown(self, wire: Wire) -> None:
        await wire.put(b"a", b"1")
        answer = await wire.txn(
            success=[
                pb.RequestOp(request_put=pb.PutRequest(key=b"b", value=b"2", prev_kv=True)),
                pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=b"a", prev_kv=True)),
            ]
        )
        put, deletion = answer.responses[0].response_put, answer.responses[1].response_delete_range
        assert not put.HasField("prev_kv")
        assert [kv.value for kv in deletion.prev_kvs] == [b"1"]

    async def test_a_thousand_operations_are_too_many(self, wire: Wire) -> None:
        operations = [pb.RequestOp(request_put=pb.PutRequest(key=b"%d" % n)) for n in range(129)]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await wire.txn(success=operations)
        assert refused.value.details() == "etcdserver: too many operations in txn request"

    async def test_nothing_of_a_refused_transaction_is_written(self, wire: Wire) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await wire.txn(
                success=[
                    pb.RequestOp(request_put=pb.PutRequest(key=b"a")),
                    pb.RequestOp(request_put=pb.PutRequest(key=b"b", lease=77)),
                ]
            )
        assert refused.value.details() == "etcdserver: requested lease not found"
        answer = await wire.range(key=b"\0", range_end=b"\0")
        assert (answer.count, answer.header.revision) == (0, 1)

    async def test_contended_increments_all_count(self, wire: Wire) -> None:
        """The general way, by comparing values."""
        await wire.put(b"n", b"0")

        async def increment() -> None:
            while True:
                (kv,) = (await wire.range(key=b"n")).kvs
                compare = pb.Compare(target=pb.Compare.VALUE, key=b"n", value=kv.value)
                put = pb.PutRequest(key=b"n", value=b"%d" % (int(kv.value) + 1))
                if (await wire.txn(compare=[compare], success=[pb.RequestOp(request_put=put)])).succeeded:
                    return

        await asyncio.gather(*(increment() for _ in range(20)))
        assert (await wire.range(key=b"n")).kvs[0].value == b"20"


class TestWatch:
    async def test_several_in_one_stream(self, wire: Wire, watching: Watching) -> None:
        first = await watching.create(key=b"a")
        second = await watching.create(key=b"b", range_end=b"d", prev_kv=True)
        third = await watching.create(key=b"\0", range_end=b"\0", filters=[pb.WatchCreateRequest.NOPUT])
        assert len({first.watch_id, second.watch_id, third.watch_id}) == 3
        for key in (b"a", b"b", b"c", b"d"):
            await wire.put(key, key)
        await wire.ask("KV/DeleteRange", pb.DeleteRangeRequest(key=b"b"), pb.DeleteRangeResponse)
        seen = await watching.events(5)
        by_watch = {
            watch: [(event.type, event.kv.key, event.prev_kv.value) for one, event in seen if one == watch]
            for watch in (first.watch_id, second.watch_id, third.watch_id)
        }
        put, delete = pb.Event.PUT, pb.Event.DELETE
        assert by_watch == {
            first.watch_id: [(put, b"a", b"")],
            second.watch_id: [(put, b"b", b""), (put, b"c", b""), (delete, b"b", b"b")],
            third.watch_id: [(delete, b"b", b"")],
        }

    async def test_cancelling_one(self, wire: Wire, watching: Watching) -> None:
        first = await watching.create(key=b"a")
        await watching.create(key=b"a", prev_kv=True)
        await watching.say(cancel_request=pb.WatchCancelRequest(watch_id=first.watch_id))
        answer = await watching.hear()
        assert answer.canceled and answer.watch_id == first.watch_id
        await wire.put(b"a", b"1")
        ((watch, _),) = await watching.events(1)
        assert watch != first.watch_id

    async def test_what_an_event_says(self, wire: Wire, watching: Watching) -> None:
        await watching.create(key=b"a", prev_kv=True)
        await wire.put(b"a", b"1")
        await wire.put(b"a", b"2")
        await wire.ask("KV/DeleteRange", pb.DeleteRangeRequest(key=b"a"), pb.DeleteRangeResponse)
        events = [event for _, event in await watching.events(3)]
        assert [(e.kv.create_revision, e.kv.mod_revision, e.kv.version) for e in events] == [
            (2, 2, 1),
            (2, 3, 2),
            (0, 4, 0),
        ]
        assert [(e.prev_kv.mod_revision, e.prev_kv.version) for e in events] == [(0, 0), (2, 1), (3, 2)]

    async def test_progress_on_request(self, wire: Wire, watching: Watching) -> None:
        await watching.create(key=b"a")
        revision = (await wire.put(b"elsewhere")).header.revision
        while True:
            await watching.say(progress_request=pb.WatchProgressRequest())
            answer = await watching.hear()
            assert answer.watch_id == -1 and not answer.events
            if answer.header.revision >= revision:
                break

    async def test_from_the_revision_of_a_compaction(self, wire: Wire, watching: Watching) -> None:
        for value in (b"1", b"2", b"3"):
            await wire.put(b"a", value)
        await wire.ask("KV/Compact", pb.CompactionRequest(revision=3, physical=True), pb.CompactionResponse)
        await watching.create(key=b"a", start_revision=3)
        assert [event.kv.value for _, event in await watching.events(2)] == [b"2", b"3"]
        await watching.create(key=b"a", start_revision=2)
        answer = await watching.hear()
        assert answer.canceled and answer.compact_revision == 3

    async def test_a_client_that_does_not_read_misses_nothing(self, wire: Wire, watching: Watching) -> None:
        await watching.create(key=b"a")
        for start in range(0, 30_000, 100):
            operations = [pb.RequestOp(request_put=pb.PutRequest(key=b"a%d" % n, value=b"x" * 500)) for n in range(99)]
            operations.append(pb.RequestOp(request_put=pb.PutRequest(key=b"a", value=b"%d" % start)))
            await wire.txn(success=operations)
        seen = [int(event.kv.value) for _, event in await watching.events(300)]
        assert seen == list(range(0, 30_000, 100))


class TestLeases:
    async def test_keeping_alive(self, wire: Wire) -> None:
        granted = await wire.ask("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=100, ID=5), pb.LeaseGrantResponse)
        assert (granted.ID, granted.TTL) == (5, 100)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await wire.ask("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=100, ID=5), pb.LeaseGrantResponse)
        assert refused.value.details() == "etcdserver: lease already exists"
        call = wire.converse("Lease/LeaseKeepAlive", pb.LeaseKeepAliveRequest, pb.LeaseKeepAliveResponse)
        for lease, ttl in ((5, 100), (6, 0)):
            await call.write(pb.LeaseKeepAliveRequest(ID=lease))
            answer = await call.read()
            assert (lease, ttl) == (answer.ID, answer.TTL)
        call.cancel()

    async def test_a_key_leaves_its_lease(self, wire: Wire) -> None:
        await wire.ask("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=100, ID=5), pb.LeaseGrantResponse)
        await wire.put(b"a", b"1", lease=5)
        await wire.put(b"b", b"1", lease=5)
        await wire.put(b"a", b"2", ignore_lease=True)
        await wire.put(b"b", b"2")
        await wire.ask("Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=5), pb.LeaseRevokeResponse)
        assert [kv.key for kv in (await wire.range(key=b"\0", range_end=b"\0")).kvs] == [b"b"]


async def test_a_renewed_certificate_is_shown_to_who_comes_next(tmp_path: Path) -> None:
    tls, clock = make_certificates(tmp_path), SystemClock()
    async with (
        MemoryStore.open(clock) as store,
        EtcdServer.listening(store, ["127.0.0.1:0"], tls.server, clock, Random(1)) as (port,),
    ):
        shown = partial(asyncio.to_thread, ssl.get_server_certificate, ("127.0.0.1", port))
        before = await shown()
        assert await shown() == before == (tmp_path / "server.crt").read_text()
        make_certificates(tmp_path)
        assert await shown() == (tmp_path / "server.crt").read_text() != before


async def test_a_certificate_that_cannot_be_read_leaves_the_old_one_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tls, clock = make_certificates(tmp_path), SystemClock()
    async with (
        MemoryStore.open(clock) as store,
        EtcdServer.listening(store, ["127.0.0.1:0"], tls.server, clock, Random(1)) as (port,),
    ):
        shown = partial(asyncio.to_thread, ssl.get_server_certificate, ("127.0.0.1", port))
        before = await shown()
        (tmp_path / "server.key").unlink()
        assert await shown() == await shown() == before
    told = [record.getMessage() for record in caplog.records if record.name == "controlplane.store.etcd.tls"]
    assert told == [
        f"the serving certificate stays as it was: cannot read {tmp_path / 'server.key'}: No such file or directory"
    ]


async def test_there_is_no_authentication(wire: Wire) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await wire.ask("Auth/Authenticate", pb.AuthenticateRequest(name="root"), pb.AuthenticateResponse)
    assert refused.value.details() == "etcdserver: authentication is not enabled"
