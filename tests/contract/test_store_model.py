"""Every store against the plainest model there is: a list of states, one a revision."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controlplane.kit.clock import ManualClock
from controlplane.store.interface import Compacted, RevisionMismatch
from controlplane.store.memory import MemoryStore
from controlplane.store.sqlite import SqliteStore
from tests.contract.conftest import SERVED, over_our_etcd
from tests.fakes.etcd import make_certificates

KEYS = st.sampled_from(["/a", "/a/b", "/a/c", "/b", "/é", "/\U0001f600"])
VALUES = st.binary(max_size=20)
PREFIXES = st.sampled_from(["", "/", "/a", "/a/", "/b", "/z", "/é"])

State = dict[str, tuple[bytes, int, int]]  # value, create revision, revision


class StoreMachine(RuleBasedStateMachine):
    """Writes at random, and looks at random places whether history is as the model remembers it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.states: list[State] = [{}, {}]  # by revision
        self.writes: dict[int, tuple[str, bytes | None]] = {}
        self.compacted = 0
        self.open()

    def open(self) -> None:
        self.stack = AsyncExitStack()
        self.store = self.do(lambda: self.stack.enter_async_context(self.opener()))

    def opener(self) -> Any:
        raise NotImplementedError

    def do(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return await call()

        return self.loop.run(run())

    @property
    def now(self) -> int:
        return len(self.states) - 1

    @rule(key=KEYS, value=st.none() | VALUES, guess=st.sampled_from(["any", "right", "wrong"]))
    def write(self, key: str, value: bytes | None, guess: str) -> None:
        held = self.states[-1].get(key)
        actual = held[2] if held else 0
        expected = {"any": None, "right": actual, "wrong": actual + 1}[guess]
        accepted = guess != "wrong" and (value is not None or held is not None)
        try:
            revision = self.do(
                lambda: (
                    self.store.delete(key, expected=expected)
                    if value is None
                    else self.store.put(key, value, expected=expected)
                )
            )
        except RevisionMismatch as refused:
            assert not accepted
            assert (refused.actual and refused.actual.revision) == (held and held[2])
            return
        assert accepted and revision == self.now + 1
        self.remember(key, value, held)

    def remember(self, key: str, value: bytes | None, held: tuple[bytes, int, int] | None) -> None:
        state, revision = dict(self.states[-1]), self.now + 1
        if value is None:
            del state[key]
        else:
            state[key] = (value, held[1] if held else revision, revision)
        self.states.append(state)
        self.writes[revision] = (key, value)

    @rule(data=st.data(), prefix=PREFIXES, limit=st.integers(0, 4), start_after=st.just("") | KEYS)
    def list(self, data: st.DataObject, prefix: str, limit: int, start_after: str) -> None:
        revision = data.draw(st.integers(1, self.now))
        try:
            page = self.do(lambda: self.store.list(prefix, limit=limit, start_after=start_after, revision=revision))
        except Compacted:
            assert revision < self.compacted
            return
        assert revision >= self.compacted
        matching = sorted(
            (key, *held) for key, held in self.states[revision].items() if key.startswith(prefix) and key > start_after
        )
        shown = matching[:limit] if limit else matching
        assert [(r.key, r.value, r.create_revision, r.revision) for r in page.records] == shown
        assert (page.remaining, page.revision) == (len(matching) - len(shown), revision)

    @rule(data=st.data(), prefix=PREFIXES)
    def watch(self, data: st.DataObject, prefix: str) -> None:
        after = data.draw(st.integers(0, self.now))
        wanted = [
            (revision, key, value, self.states[revision - 1].get(key, (None,))[0])
            for revision, (key, value) in self.writes.items()
            if revision > after and key.startswith(prefix)
        ]

        async def collect() -> list[Any]:
            seen: list[Any] = []
            async with asyncio.timeout(10), aclosing(self.store.watch(prefix, after=after)) as watch:
                while len(seen) < len(wanted):
                    seen += await anext(watch)
            return seen

        try:
            seen = self.do(collect)
        except Compacted:
            assert after < self.compacted
            return
        assert [(event.revision, event.key, event.value, event.previous) for event in seen] == wanted

    @precondition(lambda self: self.now > 3)
    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        revision = data.draw(st.integers(1, self.now))
        self.do(lambda: self.store.compact(revision))
        self.compacted = max(self.compacted, revision)

    @invariant()
    def every_key_reads_as_last_written(self) -> None:
        for key in ("/a", "/é"):
            record = self.do(lambda key=key: self.store.get(key))
            held = (record.value, record.create_revision, record.revision) if record else None
            assert held == self.states[-1].get(key)

    def teardown(self) -> None:
        self.do(self.stack.aclose)
        self.loop.close()
        self.directory.cleanup()


class MemoryMachine(StoreMachine):
    def opener(self) -> Any:
        return MemoryStore.open(ManualClock())


class SqliteMachine(StoreMachine):
    def opener(self) -> Any:
        return SqliteStore.open(Path(self.directory.name) / "db", ManualClock(), compaction=None)

    @rule()
    def restart(self) -> None:
        self.do(self.stack.aclose)
        self.open()


class EtcdMachine(StoreMachine):
    """Over our own server; a real etcd takes a second to start, and has the contract suite."""

    def opener(self) -> Any:
        folder = Path(self.directory.name)
        return over_our_etcd(SERVED["sqlite"], folder, ManualClock(), make_certificates(folder / "pki"))


TestMemory = MemoryMachine.TestCase
TestMemory.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestSqlite = SqliteMachine.TestCase
TestSqlite.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestEtcd = EtcdMachine.TestCase
TestEtcd.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
