"""iptables: bulk changes through iptables-restore, base chains and reading back through python-iptables.

A restore is one transaction per table and many times faster than building rules one by one; python-iptables reads and
changes the few rules that lead from the kernel's own chains into ours. It speaks to the legacy tables only, so with the
nft variant the same questions go to the iptables command.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

XTABLES_LOCK = Path("/run/xtables.lock")
_LOCK_WAIT = "5"  # seconds; without -w, iptables-legacy waits for the lock for ever


class Variant(Enum):
    """Which of the kernel's two rule engines the iptables commands use."""

    LEGACY = "legacy"
    NFT = "nft"


class IptablesFailure(Exception):
    """A ruleset was refused; the tables are as they were."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A rule of a base chain that leads into one of our chains."""

    table: str
    chain: str
    target: str
    comment: str
    new_connections_only: bool = False

    def arguments(self) -> list[str]:
        """The rule as iptables(8) takes it."""
        state = ["-m", "conntrack", "--ctstate", "NEW"] if self.new_connections_only else []
        return [*state, "-m", "comment", "--comment", self.comment, "-j", self.target]


@dataclass(frozen=True, slots=True)
class Counters:
    """What a chain's rules have seen."""

    packets: int
    bytes: int


class Iptables:
    """The tables of one address family in the network namespace of this process. Every call blocks."""

    def __init__(self, variant: Variant = Variant.LEGACY, *, ipv6: bool = False):
        self.variant, self.ipv6 = variant, ipv6
        self._command = f"{'ip6tables' if ipv6 else 'iptables'}-{variant.value}"

    def restore(self, rules: str) -> None:
        """Load the tables of `rules` (iptables-restore format), leaving chains it does not name as they are.

        Raises IptablesFailure, which quotes the line that was refused.
        """
        command = [f"{self._command}-restore", "--noflush", "-w", _LOCK_WAIT]
        done = _execute(command, rules.encode())
        if done.returncode:
            raise IptablesFailure(_explain(done.stderr.decode(errors="replace"), rules))

    def save(self, table: str) -> str:
        """Return a table in iptables-save format."""
        return self._run([f"{self._command}-save", "-t", table])

    def chains(self, table: str) -> set[str]:
        """The names of a table's chains."""
        if self.variant is Variant.NFT:
            lines = self.save(table).splitlines()
            return {line[1:].split(" ", 1)[0] for line in lines if line.startswith(":")}
        with self._open(table, alone=True) as opened:
            return {chain.name for chain in opened.chains}

    def rule_count(self, table: str, chain: str) -> int | None:
        """How many rules a chain has; None if there is no such chain."""
        if self.variant is Variant.NFT:
            text = self.save(table)
            if f"\n:{chain} " not in text:
                return None
            return sum(line.startswith(f"-A {chain} ") for line in text.splitlines())
        with self._open(table, alone=True) as opened:
            if not opened.is_chain(chain):
                return None
            # Counted by hand: a Chain's `rules` would build a thousand objects to learn one number.
            count, rule = 0, opened.first_rule(chain)
            while rule:
                count, rule = count + 1, opened.next_rule(rule)
            return count

    def counters(self, table: str, chain: str) -> Counters:
        """The sum of what the rules of a chain have counted (legacy tables)."""
        with self._open(table) as opened:
            found = next((one for one in opened.chains if one.name == chain), None)
            pairs = [rule.get_counters() for rule in found.rules] if found is not None else []
        return Counters(sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))

    def ensure_jumps(self, jumps: Sequence[Jump]) -> list[Jump]:
        """Put the missing ones of `jumps` at the top of their chains; return those that were missing."""
        if self.variant is Variant.NFT:
            return [jump for jump in jumps if self._ensure_by_command(jump)]
        missing: list[Jump] = []
        for table in dict.fromkeys(jump.table for jump in jumps):
            with self._open(table) as opened:
                wanted = [jump for jump in jumps if jump.table == table and not _present(opened, jump)]
                for jump in wanted:
                    _insert(opened, jump)
                if wanted:
                    opened.commit()
                missing += wanted
        return missing

    def remove_jumps(self, jumps: Sequence[Jump]) -> None:
        """Take out the jumps that are there."""
        for jump in jumps:
            arguments = [self._command, "-w", _LOCK_WAIT, "-t", jump.table]
            while _execute([*arguments, "-D", jump.chain, *jump.arguments()]).returncode == 0:
                pass  # one deletion takes out one copy

    def _ensure_by_command(self, jump: Jump) -> bool:
        base = [self._command, "-w", _LOCK_WAIT, "-t", jump.table]
        if _execute([*base, "-C", jump.chain, *jump.arguments()]).returncode == 0:
            return False
        self._run([*base, "-I", jump.chain, "1", *jump.arguments()])
        return True

    def _run(self, command: list[str]) -> str:
        done = _execute(command)
        if done.returncode:
            raise IptablesFailure(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode()

    @contextlib.contextmanager
    def _open(self, table: str, *, alone: bool = False) -> Iterator[Any]:
        """A fresh view of a legacy table, under the lock that python-iptables itself does not take.

        The library shares one object per table. Making a rule asks all of them whether its target is a chain of theirs,
        and follows a null pointer where one is closed; open, they hold a copy of every rule there is. So all are open
        only while somebody looks at rules, and one `alone` where chains are enough.
        """
        iptc = _library()
        kind = iptc.Table6 if self.ipv6 else iptc.Table
        opened = []
        try:
            with _lock():
                try:
                    for name in [table] if alone else kind.ALL:
                        if name == table or iptc.is_table_available(name):
                            opened.append(kind(name, autocommit=False))
                            opened[-1].refresh()
                    yield kind(table)
                finally:
                    for one in opened:
                        one.close()
        except iptc.IPTCError as error:
            raise IptablesFailure(f"{self._command} -t {table}: {error}") from error


@functools.cache
def _library() -> Any:
    """python-iptables, imported when first needed: it loads shared libraries that not every machine has.

    It would also import all of setuptools (7 MB) to learn one path, which it can do without when there is none.
    """
    missing = object()
    present = sys.modules.get("distutils", missing)
    sys.modules["distutils"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("iptc")
    finally:
        if present is missing:
            del sys.modules["distutils"]
        else:
            sys.modules["distutils"] = present  # type: ignore[assignment]


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    try:
        lock = XTABLES_LOCK.open("w")
    except OSError as error:
        raise IptablesFailure(f"cannot open {XTABLES_LOCK}: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _execute(command: list[str], entry: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, whatever its exit code. Raises IptablesFailure where there is no such command."""
    try:
        return subprocess.run(command, input=entry, capture_output=True, check=False)
    except OSError as error:
        raise IptablesFailure(f"{command[0]}: {error.strerror} (apt-get install iptables)") from error


def _present(table: Any, jump: Jump) -> bool:
    iptc = _library()
    rules = iptc.Chain(table, jump.chain).rules
    return any(rule.target is not None and rule.target.name == jump.target for rule in rules)


def _insert(table: Any, jump: Jump) -> None:
    iptc = _library()
    chain = iptc.Chain(table, jump.chain)
    rule = (iptc.Rule6 if isinstance(table, iptc.Table6) else iptc.Rule)(chain=chain)
    if jump.new_connections_only:
        rule.create_match("conntrack").ctstate = "NEW"
    rule.create_match("comment").comment = jump.comment
    rule.create_target(jump.target)
    chain.insert_rule(rule)


def _explain(stderr: str, rules: str) -> str:
    """Add the refused line to iptables-restore's message, which only has its number."""
    message = stderr.strip()
    number = next((int(word) for word in message.replace(":", " ").split() if word.isdigit()), 0)
    lines = rules.splitlines()
    return f"{message}: {lines[number - 1]!r}" if 0 < number <= len(lines) else message


def detect_variant() -> Variant:
    """Return which variant this machine's `iptables` command is: the one other programs' rules are written with.

    The choice is the administrator's (update-alternatives); which rules exist says nothing.
    """
    target = os.path.realpath("/usr/sbin/iptables")
    return Variant.LEGACY if "legacy" in target else Variant.NFT
