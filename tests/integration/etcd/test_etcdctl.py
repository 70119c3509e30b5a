"""Debian's etcdctl, against our server and a real etcd: what it prints is the same."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.etcd import etcdctl, make_certificates
from tests.integration.etcd.conftest import Served, Watching

Watch = Callable[..., Awaitable[Watching]]


async def document(served: Served, *arguments: str) -> Any:
    return json.loads(await served.ctl(*arguments, "-w", "json"))


class TestKeys:
    @pytest.fixture
    async def four(self, served: Served) -> Served:
        """a: 2, b: 3 and 5, c: 4."""
        for key, value in (("/a", "1"), ("/b", "2"), ("/c", "3"), ("/b", "0")):
            assert await served.ctl("put", key, value) == "OK\n"
        return served

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            pytest.param(["/a"], "/a\n1\n", id="a key"),
            pytest.param(["/x"], "", id="nothing"),
            pytest.param(["/", "--prefix"], "/a\n1\n/b\n0\n/c\n3\n", id="prefix"),
            pytest.param(["/b", "--from-key"], "/b\n0\n/c\n3\n", id="from"),
            pytest.param(["/a", "/c"], "/a\n1\n/b\n0\n", id="range"),
            pytest.param(["/c", "/a"], "", id="the wrong way round"),
            pytest.param(["", "--prefix", "--keys-only"], "/a\n\n/b\n\n/c\n\n", id="keys only"),
            pytest.param(["/", "--prefix", "--limit=2"], "/a\n1\n/b\n0\n", id="limit"),
            pytest.param(["/", "--prefix", "--rev=4"], "/a\n1\n/b\n2\n/c\n3\n", id="at a revision"),
            pytest.param(["/", "--prefix", "--order=DESCEND"], "/c\n3\n/b\n0\n/a\n1\n", id="descending"),
            pytest.param(["/", "--prefix", "--sort-by=VALUE"], "/b\n0\n/a\n1\n/c\n3\n", id="by value"),
            pytest.param(
                ["/", "--prefix", "--sort-by=MODIFY", "--order=DESCEND", "--limit=1"], "/b\n0\n", id="the newest"
            ),
            pytest.param(["/", "--prefix", "--sort-by=CREATE"], "/a\n1\n/b\n0\n/c\n3\n", id="by creation"),
            pytest.param(["/", "--prefix", "--print-value-only"], "1\n0\n3\n", id="values"),
            pytest.param(["/", "--prefix", "--consistency=s"], "/a\n1\n/b\n0\n/c\n3\n", id="serializable"),
        ],
    )
    async def test_get(self, four: Served, arguments: list[str], expected: str) -> None:
        assert await four.ctl("get", *arguments) == expected

    async def test_what_is_known_of_a_key(self, four: Served) -> None:
        answer = await document(four, "get", "/b")
        (kv,) = answer["kvs"]
        assert (kv["create_revision"], kv["mod_revision"], kv["version"]) == (3, 5, 2)
        assert answer["header"]["revision"] == 5 and answer["count"] == 1

    async def test_counting(self, four: Served) -> None:
        answer = await document(four, "get", "/", "--prefix", "--limit=1")
        assert (answer["count"], answer["more"], len(answer["kvs"])) == (3, True, 1)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            pytest.param(["/a"], "1\n", id="a key"),
            pytest.param(["/x"], "0\n", id="nothing"),
            pytest.param(["/", "--prefix"], "3\n", id="prefix"),
            pytest.param(["/b", "--prev-kv"], "1\n/b\n0\n", id="showing it"),
        ],
    )
    async def test_del(self, four: Served, arguments: list[str], expected: str) -> None:
        assert await four.ctl("del", *arguments) == expected
        left = {"/a", "/b", "/c"} - ({"/a", "/b", "/c"} if "--prefix" in arguments else {arguments[0]})
        assert set((await four.ctl("get", "/", "--prefix", "--keys-only")).split()) == left

    async def test_a_deletion_of_many_takes_one_revision(self, four: Served) -> None:
        answer = await document(four, "del", "/", "--prefix")
        assert (answer["header"]["revision"], answer["deleted"]) == (6, 3)

    async def test_put_shows_what_was_there(self, four: Served) -> None:
        assert await four.ctl("put", "/a", "9", "--prev-kv") == "OK\n/a\n1\n"
        assert await four.ctl("put", "/a", "--ignore-value") == "OK\n"
        assert await four.ctl("get", "/a") == "/a\n9\n"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["put", "/x", "--ignore-value"], "etcdserver: key not found"),
            (["put", "/x", "1", "--lease=77"], "etcdserver: requested lease not found"),
            (["get", "/a", "--rev=99"], "etcdserver: mvcc: required revision is a future revision"),
            (["compact", "99"], "etcdserver: mvcc: required revision is a future revision"),
            (["lease", "revoke", "77"], "etcdserver: requested lease not found"),
        ],
    )
    async def test_refusals(self, four: Served, arguments: list[str], message: str) -> None:
        done = await four.ask(*arguments)
        assert done.returncode == 1 and message in done.stderr

    async def test_too_large(self, served: Served) -> None:
        done = await served.ask("put", "/x", input="y" * (1536 * 1024))
        assert done.returncode == 1 and "etcdserver: request is too large" in done.stderr


class TestTxn:
    @pytest.mark.parametrize(
        ("comparisons", "succeeds"),
        [
            pytest.param('value("/a") = "1"', True, id="value"),
            pytest.param('value("/a") > "0"\nvalue("/a") < "2"', True, id="value, ordered"),
            pytest.param('value("/x") = ""', False, id="no value"),
            pytest.param('mod("/a") = "2"', True, id="modified"),
            pytest.param('mod("/a") != "2"', False, id="not modified"),
            pytest.param('create("/x") = "0"', True, id="absent"),
            pytest.param('create("/a") = "0"', False, id="not absent"),
            pytest.param('version("/a") = "1"\nversion("/x") = "0"', True, id="versions"),
            pytest.param('version("/a") = "1"\nversion("/a") = "2"', False, id="all must hold"),
            pytest.param("", True, id="nothing to compare"),
        ],
    )
    async def test_comparisons(self, served: Served, comparisons: str, succeeds: bool) -> None:
        await served.ctl("put", "/a", "1")
        lines = f"{comparisons}\n\nput /b yes\nget /b\n\nput /b no\nget /b\n\n" if comparisons else (
            "\nput /b yes\nget /b\n\nput /b no\nget /b\n\n"
        )  # fmt: skip
        printed = await served.ctl("txn", input=lines)
        word = "yes" if succeeds else "no"
        assert printed.split() == ["SUCCESS" if succeeds else "FAILURE", "OK", "/b", word]

    async def test_reads_see_the_writes_before_them(self, served: Served) -> None:
        await served.ctl("put", "/a", "old")
        printed = await served.ctl("txn", input="\nget /a\nput /a new\nput /b x\nget / --prefix\ndel /c\n\n\n")
        assert printed.split() == ["SUCCESS", "/a", "old", "OK", "OK", "/a", "new", "/b", "x", "0"]
        answer = await document(served, "get", "/", "--prefix")
        assert [kv["mod_revision"] for kv in answer["kvs"]] == [3, 3]

    @pytest.mark.parametrize("operations", ["put /a 1\nput /a 2", "put /a 1\ndel / --prefix"])
    async def test_a_key_is_written_once(self, served: Served, operations: str) -> None:
        done = await served.ask("txn", input=f"\n{operations}\n\n\n")
        assert "etcdserver: duplicate key given in txn request" in done.stderr


class TestWatch:
    async def test_what_happens(self, served: Served, watch: Watch) -> None:
        await served.ctl("put", "/a/1", "one")
        watching = await watch("/a/", "--prefix", "--rev=2", "--prev-kv")
        assert await watching.lines(3) == ["PUT", "/a/1", "one"]
        await served.ctl("put", "/b", "elsewhere")
        await served.ctl("put", "/a/1", "two")
        assert await watching.lines(5) == ["PUT", "/a/1", "one", "/a/1", "two"]
        await served.ctl("del", "/a/1")
        assert await watching.lines(5) == ["DELETE", "/a/1", "two", "/a/1", ""]

    async def test_a_transaction_comes_in_one_piece(self, served: Served, watch: Watch) -> None:
        watching = await watch("/", "--prefix", "--rev=2", "-w", "json")
        await served.ctl("txn", input="\nput /a 1\nput /b 2\nput /c 3\n\n\n")
        (line,) = await watching.lines(1)
        assert [event["kv"]["mod_revision"] for event in json.loads(line)["Events"]] == [2, 2, 2]

    async def test_history_that_is_gone(self, served: Served, watch: Watch) -> None:
        for value in "123":
            await served.ctl("put", "/a", value)
        assert await served.ctl("compact", "4") == "compacted revision 4\n"
        watching = await watch("/a", "--rev=2")
        assert "etcdserver: mvcc: required revision has been compacted" in "".join(await watching.lines(1))
        done = await served.ask("compact", "4")
        assert "etcdserver: mvcc: required revision has been compacted" in done.stderr


class TestLeases:
    async def test_a_revoked_lease_takes_its_keys_with_it(self, served: Served) -> None:
        granted = (await document(served, "lease", "grant", "600"))["ID"]
        lease = f"{granted:x}"
        await served.ctl("put", "/a", "1", f"--lease={lease}")
        await served.ctl("put", "/b", "1", f"--lease={lease}")
        await served.ctl("put", "/c", "1", f"--lease={lease}")
        await served.ctl("put", "/c", "2")
        shown = await served.ctl("lease", "timetolive", lease, "--keys")
        assert f"lease {granted:016x} granted with TTL(600s)" in shown
        assert sorted(shown.partition("attached keys([")[2].rstrip("])\n").split()) == ["/a", "/b"]
        assert f"{granted:016x}" in await served.ctl("lease", "list")
        assert (await document(served, "get", "/a"))["kvs"][0]["lease"] == granted
        assert "keepalived with TTL(600)" in await served.ctl("lease", "keep-alive", "--once", lease)
        before = (await document(served, "get", "/a"))["header"]["revision"]
        await served.ctl("lease", "revoke", lease)
        answer = await document(served, "get", "/", "--prefix")
        assert answer["header"]["revision"] == before + 1
        assert await served.ctl("get", "/", "--prefix") == "/c\n2\n"
        assert "already expired" in await served.ctl("lease", "timetolive", lease)

    async def test_a_lease_ends_by_itself(self, served: Served, watch: Watch) -> None:
        watching = await watch("/a", "--rev=2")
        lease = f"{(await document(served, 'lease', 'grant', '2'))['ID']:x}"
        await served.ctl("put", "/a", "1", f"--lease={lease}")
        assert await watching.lines(6) == ["PUT", "/a", "1", "DELETE", "/a", ""]


class TestMaintenance:
    async def test_health_and_status(self, served: Served) -> None:
        await served.ctl("put", "/a", "1")
        health = await served.ask("endpoint", "health")
        assert "is healthy" in health.stdout + health.stderr
        (status,) = await document(served, "endpoint", "status")
        assert status["Status"]["header"]["revision"] == 2
        assert status["Status"]["leader"] == status["Status"]["header"]["member_id"]
        assert status["Status"]["dbSize"] > 0
        (member,) = (await document(served, "member", "list"))["members"]
        assert member["ID"] == status["Status"]["header"]["member_id"]
        (hashed,) = await document(served, "endpoint", "hashkv")
        assert hashed["HashKV"]["hash"] > 0
        assert await served.ctl("alarm", "list") == ""
        assert "Finished defragmenting" in await served.ctl("defrag")

    async def test_equal_states_have_equal_hashes(self, served: Served) -> None:
        await served.ctl("put", "/a", "1")
        first = (await document(served, "endpoint", "hashkv", "--rev=2"))[0]["HashKV"]["hash"]
        await served.ctl("put", "/a", "2")
        assert (await document(served, "endpoint", "hashkv", "--rev=2"))[0]["HashKV"]["hash"] == first
        assert (await document(served, "endpoint", "hashkv"))[0]["HashKV"]["hash"] != first

    async def test_snapshot(self, served: Served, tmp_path: Path) -> None:
        for n in range(50):
            await served.ctl("put", f"/{n}", str(n))
        file = str(tmp_path / "snapshot.db")
        assert f"Snapshot saved at {file}" in await served.ctl("snapshot", "save", file)
        status = json.loads(await served.ctl("snapshot", "status", file, "-w", "json"))
        assert status["revision"] == 51 and status["totalKey"] >= 50


async def test_a_stranger_is_refused(served: Served, tmp_path: Path) -> None:
    strangers = make_certificates(tmp_path / "strangers")
    done = await etcdctl(served.endpoint, strangers, "get", "/", "--prefix", "--command-timeout=2s")
    assert done.returncode != 0 and done.stdout == ""
