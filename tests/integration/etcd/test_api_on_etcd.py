"""The API server, as a process, on every store there is; and its backups. Asked with kubectl and etcdctl."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession

from controlplane.cmd import cluster_config
from controlplane.pki.cluster import ClusterFiles
from controlplane.pki.plan import Endpoint
from controlplane.store.etcd.tls import Identity
from tests.fakes.etcd import Certificates, Etcd, etcdctl, free_port, real_etcd, restore_member
from tests.waiting import until

KUBECTL = str(Path(sys.executable).parent / "kubectl")


@dataclass(slots=True)
class Master:
    """The files of a control plane, and its processes."""

    config: Path
    data: Path
    port: int
    etcd_port: int

    @property
    def etcd(self) -> str:
        return f"https://127.0.0.1:{self.etcd_port}"

    @property
    def tls(self) -> Certificates:
        """The cluster's own, for etcd's side and for its clients."""
        pki = self.config / "pki"
        ca = pki / "etcd/ca.crt"
        client = pki / "etcd/healthcheck-client.crt"
        return Certificates(
            Identity(pki / "etcd/server.crt", pki / "etcd/server.key", ca),
            Identity(client, client.with_suffix(".key"), ca),
        )

    async def controlplane(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "controlplane.cmd.main", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        return out.decode()

    @asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator[subprocess.Popen[bytes]]:
        """Run one of the control plane's programs until the block ends."""
        with (self.config / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: ASYNC220  # started, not waited for
                [sys.executable, "-m", "controlplane.cmd.main", *arguments], stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait)

    @asynccontextmanager
    async def apiserver(self, *arguments: str) -> AsyncIterator[subprocess.Popen[bytes]]:
        async with self.running("apiserver", "--config", str(self.config / "apiserver.yaml"), *arguments) as process:
            await self.ready(process)
            yield process

    async def ready(self, process: subprocess.Popen[bytes], *flags: str) -> None:
        async def answers() -> bool:
            assert process.poll() is None, (self.config / "apiserver.log").read_text()
            return (await self.try_kubectl(*flags, "get", "--raw", "/readyz"))[0] == 0

        await until(answers)

    async def try_kubectl(self, *arguments: str, input: str = "") -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            KUBECTL,
            "--kubeconfig",
            str(self.config / "super-admin.conf"),
            *arguments,
            env={**os.environ, "HOME": str(self.config)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out, _ = await process.communicate(input.encode())
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def kubectl(self, *arguments: str, input: str = "") -> str:
        code, out = await self.try_kubectl(*arguments, input=input)
        assert code == 0, out
        return out

    async def etcdctl(self, *arguments: str) -> str:
        done = await etcdctl(self.etcd, self.tls, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def master(tmp_path: Path) -> Master:
    made = Master(tmp_path / "etc", tmp_path / "lib", free_port(), free_port())
    endpoint = Endpoint("master", "127.0.0.1", made.port)
    ClusterFiles(made.config).create_missing(endpoint, datetime.now(UTC))
    for name, text in cluster_config.render_all(endpoint, ["10.244.0.0/16"], made.config, made.data).items():
        text = text.replace(":2379", f":{made.etcd_port}").replace(":2381", f":{free_port()}")
        (made.config / name).write_text(text)
    return made


@asynccontextmanager
async def inside(master: Master) -> AsyncIterator[Sequence[str]]:
    yield []


@asynccontextmanager
async def beside(master: Master) -> AsyncIterator[Sequence[str]]:
    async with master.running("store", "--config", str(master.config / "store.yaml")):
        yield ["--listen-client-urls=", f"--etcd-servers={master.etcd}"]


@asynccontextmanager
async def real(master: Master, members: int = 1) -> AsyncIterator[Sequence[str]]:
    async with real_etcd(master.config / "members", master.tls, members) as cluster:
        master.etcd_port = int(cluster[0].endpoint.rpartition(":")[2])
        yield ["--listen-client-urls=", "--etcd-servers=" + ",".join(one.endpoint for one in cluster)]


STORES = {"inside": inside, "beside": beside, "etcd": real}


@pytest.fixture(params=STORES)
async def api(request: pytest.FixtureRequest, master: Master) -> AsyncIterator[Master]:
    async with AsyncExitStack() as stack:
        arguments = await stack.enter_async_context(STORES[request.param](master))
        await stack.enter_async_context(master.apiserver(*arguments))
        yield master


CONFIG = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"one"}}'


async def test_what_kubectl_writes_is_where_etcdctl_finds_it(api: Master) -> None:
    await api.kubectl("create", "-f", "-", input=CONFIG)
    await api.kubectl("patch", "configmap", "a", "-p", '{"data":{"k":"two"}}')
    assert await api.kubectl("get", "configmap", "a", "-o", "jsonpath={.data.k}") == "two"
    keys = (await api.etcdctl("get", "/registry/configmaps/default", "--prefix", "--keys-only")).split()
    assert "/registry/configmaps/default/a" in keys
    version = await api.kubectl("get", "configmap", "a", "-o", "jsonpath={.metadata.resourceVersion}")
    (kv,) = json.loads(await api.etcdctl("get", "/registry/configmaps/default/a", "-w", "json"))["kvs"]
    assert (str(kv["mod_revision"]), kv["version"]) == (version, 2)
    stale = json.loads(await api.kubectl("get", "configmap", "a", "-o", "json"))
    await api.kubectl("patch", "configmap", "a", "-p", '{"data":{"k":"three"}}')
    code, out = await api.try_kubectl("replace", "-f", "-", input=json.dumps(stale))
    assert code == 1 and "the object has been modified" in out
    await api.kubectl("delete", "configmap", "a")
    assert (await api.etcdctl("get", "/registry/configmaps/default/a")) == ""


async def test_a_read_follows_what_somebody_else_wrote(api: Master) -> None:
    """Also foreign keys move the revision: a read waits for none that never comes."""
    await api.etcdctl("put", "/elsewhere", "1")
    assert "kube-system" in await api.kubectl("get", "namespaces", "-o", "name")
    await api.etcdctl("del", "/elsewhere")
    assert "kube-system" in await api.kubectl("get", "namespaces", "-o", "name", "--request-timeout=10s")


EVENT = (
    '{"apiVersion":"v1","kind":"Event","metadata":{"name":"e","namespace":"default"},'
    '"involvedObject":{"kind":"Pod","name":"a","namespace":"default"},"type":"Normal","reason":"R"}'
)


@pytest.mark.parametrize("kind", STORES)
async def test_events_expire(master: Master, kind: str) -> None:
    async with STORES[kind](master) as arguments, master.apiserver(*arguments, "--event-ttl=3s"):
        await master.kubectl("create", "-f", "-", input=EVENT)
        assert await succeeds(master, "get", "event", "e")

        async def gone() -> bool:
            return not await succeeds(master, "get", "event", "e")

        await until(gone)
        assert await master.etcdctl("get", "/registry/events/default/e") == ""


async def test_another_prefix(master: Master) -> None:
    async with real(master) as arguments, master.apiserver(*arguments, "--etcd-prefix=/blue"):
        await master.kubectl("create", "-f", "-", input=CONFIG)
        keys = (await master.etcdctl("get", "", "--prefix", "--keys-only")).split()
        assert "/blue/configmaps/default/a" in keys
        assert all(key.startswith("/blue/") for key in keys)


async def test_two_api_servers_share_an_etcd(master: Master, tmp_path: Path) -> None:
    async with real(master) as arguments, master.apiserver(*arguments):
        other = Master(master.config, master.data, free_port(), master.etcd_port)
        async with other.running(
            "apiserver", "--config", str(master.config / "apiserver.yaml"), *arguments, f"--secure-port={other.port}"
        ) as process:
            server = f"--server=https://127.0.0.1:{other.port}"
            await master.ready(process, server)
            await master.kubectl("create", "-f", "-", input=CONFIG)
            assert await master.kubectl(server, "get", "configmap", "a", "-o", "jsonpath={.data.k}") == "one"
            await master.kubectl(server, "delete", "configmap", "a")
            code, out = await master.try_kubectl("get", "configmap", "a")
            assert code == 1 and "not found" in out


async def test_one_of_three_members_may_die(master: Master) -> None:
    async with real_etcd(master.config / "members", master.tls, 3) as cluster:
        servers = "--etcd-servers=" + ",".join(one.endpoint for one in cluster)
        async with master.apiserver("--listen-client-urls=", servers):
            await master.kubectl("create", "-f", "-", input=CONFIG)
            for n, member in enumerate(cluster):
                member.kill()
                change = f'{{"data":{{"k":"{n}"}}}}'
                await until(partial(succeeds, master, "patch", "configmap", "a", "-p", change))
                assert await master.kubectl("get", "configmap", "a", "-o", "jsonpath={.data.k}") == str(n)
                member.start()
                await until(partial(is_healthy, member, master.tls))


async def succeeds(master: Master, *arguments: str) -> bool:
    return (await master.try_kubectl(*arguments))[0] == 0


async def is_healthy(member: Etcd, tls: Certificates) -> bool:
    return (await etcdctl(member.endpoint, tls, "endpoint", "health")).returncode == 0


async def test_an_etcd_that_is_not_there_is_named(master: Master) -> None:
    nowhere = f"https://127.0.0.1:{free_port()}"
    async with master.running(
        "apiserver",
        "--config",
        str(master.config / "apiserver.yaml"),
        "--listen-client-urls=",
        f"--etcd-servers={nowhere}",
    ) as process:
        assert await asyncio.to_thread(process.wait, 60) == 1
    said = (master.config / "apiserver.log").read_text()
    assert f"--etcd-servers: the etcd at {nowhere.removeprefix('https://')} is not available" in said


async def test_the_store_says_how_it_is(master: Master) -> None:
    port = free_port()
    pages = f"http://127.0.0.1:{port}"
    async with master.running("store", "--config", str(master.config / "store.yaml"), f"--listen-metrics-urls={pages}"):
        await until(partial(_answers, f"{pages}/readyz"))
        assert await _page(f"{pages}/health") == '{"health": "true", "reason": ""}'
        await master.etcdctl("put", "/a", "1")
        lines = (await _page(f"{pages}/metrics")).splitlines()
        assert {
            "etcd_server_has_leader 1.0",
            "etcd_debugging_mvcc_current_revision 2.0",
            "etcd_debugging_mvcc_keys_total 1.0",
        } <= set(lines)


async def _page(url: str) -> str:
    async with ClientSession(trust_env=False) as session, session.get(url) as answer:
        return await answer.text()


async def _answers(url: str) -> bool:
    try:
        return await _page(url) == "ok"
    except ClientConnectionError:
        return False


class TestBackup:
    async def test_round_trip(self, api: Master, tmp_path: Path) -> None:
        await api.kubectl("create", "-f", "-", input=CONFIG)
        before = await api.kubectl("get", "configmap,namespace,clusterrole", "-A", "-o", "json")
        file = tmp_path / "backup.db"
        said = await api.controlplane("backup", str(file), "--config-dir", str(api.config), "--endpoints", api.etcd)
        assert said.startswith(f"wrote {file}: everything as of revision ")
        assert file.stat().st_mode & 0o777 == 0o600
        lost = await api.kubectl("create", "configmap", "lost", "-o", "jsonpath={.metadata.resourceVersion}")

        restored = tmp_path / "restored"
        said = await api.controlplane("restore", str(file), "--data-dir", str(restored))
        again = Master(api.config, restored, api.port, api.etcd_port)
        arguments = (f"--data-dir={restored}", "--listen-client-urls=", "--etcd-servers=")
        other = free_port()
        async with again.running(
            "apiserver", "--config", str(api.config / "apiserver.yaml"), *arguments, f"--secure-port={other}"
        ) as process:
            server = f"--server=https://127.0.0.1:{other}"
            await again.ready(process, server)
            after = await again.kubectl(server, "get", "configmap,namespace,clusterrole", "-A", "-o", "json")
            assert _states(after) == _states(before)
            assert (await again.try_kubectl(server, "get", "configmap", "lost"))[0] == 1
            watch = f"/api/v1/configmaps?watch=true&resourceVersion={lost}&timeoutSeconds=1"
            _, told = await again.try_kubectl(server, "get", "--raw", watch)
            assert "too old resource version" in told, "who knows what was lost must read everything again"
            version = await again.kubectl(
                server, "create", "configmap", "new", "-o", "jsonpath={.metadata.resourceVersion}"
            )
            assert int(version) > int(lost) + 1_000_000

    async def test_of_a_server_that_does_not_run(self, master: Master, tmp_path: Path) -> None:
        async with master.apiserver("--listen-client-urls="):
            await master.kubectl("create", "-f", "-", input=CONFIG)
        settings = master.config / "apiserver.yaml"
        settings.write_text(
            "\n".join(
                line for line in settings.read_text().splitlines() if "2379" not in line and "listen-client" not in line
            )
        )
        said = await master.controlplane("backup", str(tmp_path / "b"), "--config-dir", str(master.config))
        assert "everything as of revision" in said
        said = await master.controlplane("restore", str(tmp_path / "b"), "--data-dir", str(tmp_path / "again"))
        assert "objects as of revision" in said

    async def test_to_an_etcd_and_back(self, master: Master, tmp_path: Path) -> None:
        """The way from one machine to three, and home again."""
        async with master.apiserver():
            await master.kubectl("create", "-f", "-", input=CONFIG)
            await master.kubectl("create", "-f", "-", input=EVENT)
            before = await master.kubectl("get", "configmap,event,namespace", "-A", "-o", "json")
            await master.controlplane("backup", str(tmp_path / "ours"), "--config-dir", str(master.config))
        await restore_member(tmp_path / "ours", master.config / "members")
        async with real(master) as arguments, master.apiserver(*arguments):
            assert _states(await master.kubectl("get", "configmap,event,namespace", "-A", "-o", "json")) == _states(
                before
            )
            assert len((await master.etcdctl("lease", "list")).splitlines()) == 2, "events still end"
            await master.kubectl("create", "configmap", "there")
            await master.etcdctl("snapshot", "save", str(tmp_path / "theirs"))
        master.data = tmp_path / "home"
        await master.controlplane("restore", str(tmp_path / "theirs"), "--data-dir", str(master.data))
        async with master.apiserver(
            f"--data-dir={master.data}", f"--listen-client-urls=https://127.0.0.1:{free_port()}"
        ):
            after = _states(await master.kubectl("get", "configmap,event,namespace", "-A", "-o", "json"))
            assert after.keys() == _states(before).keys() | {"ConfigMap default/there"}

    async def test_nothing_is_overwritten(self, master: Master, tmp_path: Path) -> None:
        from controlplane.cmd import restore
        from controlplane.kit.explained import Explained

        (tmp_path / "store.db").write_text("precious")
        (tmp_path / "no-backup").write_text("these are notes" * 1000)
        for file, why in (("no-backup", "this is no etcd snapshot"), ("missing", "No such file")):
            options = argparse.Namespace(file=tmp_path / file, data_dir=tmp_path, bump_revision=1)
            with pytest.raises(Explained, match=why):
                restore.run(options)
        assert (tmp_path / "store.db").read_text() == "precious"


def _states(answer: str) -> dict[str, object]:
    items = json.loads(answer)["items"]
    return {f"{one['kind']} {one['metadata'].get('namespace')}/{one['metadata']['name']}": one for one in items}


class TestDamage:
    async def test_a_damaged_store_can_be_read(self, master: Master) -> None:
        async with master.apiserver("--listen-client-urls="):
            item = json.loads(CONFIG) | {"data": {"k": "x" * 3000}}
            items = [item | {"metadata": {"name": f"a{n}"}} for n in range(100)]
            await master.kubectl(
                "create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
            )
        database = master.data / "store.db"
        with database.open("r+b") as file:  # somewhere among those
            file.seek(database.stat().st_size - 20 * 4096)
            file.write(os.urandom(4096))
        async with master.apiserver():
            names = (await master.kubectl("get", "configmaps", "-o", "name")).split()
            assert 90 < len(names) < 101
            code, said = await master.try_kubectl("create", "configmap", "new")
            assert code == 1
            assert f"the store cannot do this: {database} is damaged, nothing can be written until a backup" in said
            answer = json.loads(await master.etcdctl("endpoint", "status", "-w", "json"))
            assert "is damaged" in answer[0]["Status"]["errors"][0]
            assert "alarm:CORRUPT" in await master.etcdctl("alarm", "list")
        assert "is damaged" in (master.config / "apiserver.log").read_text()

    async def test_writes_fail_plainly_while_an_etcd_is_away(self, master: Master) -> None:
        async with real_etcd(master.config / "members", master.tls) as (member,):
            master.etcd_port = int(member.endpoint.rpartition(":")[2])
            async with master.apiserver("--listen-client-urls=", f"--etcd-servers={member.endpoint}"):
                member.kill()
                code, said = await master.try_kubectl("create", "configmap", "new")
                assert code == 1 and "the store cannot do this: the etcd at 127.0.0.1" in said
                member.start()
                await until(partial(succeeds, master, "create", "configmap", "new"))
