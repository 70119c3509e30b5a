"""From rulesets to what iptables-restore must be told: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nodeagent.proxy.render import Chains, Ruleset

OURS = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-SEP-", "KUBE-FW-")  # chains that come and go with services


@dataclass(frozen=True, slots=True)
class Delta:
    """Input for `iptables-restore --noflush`; "" when nothing changed."""

    text: str
    chains: int  # how many are written or deleted


def whole(wanted: Ruleset, present: Mapping[str, Iterable[str]]) -> Delta:
    """Write every chain, and delete the stale ones among `present` (by table), which an earlier run left."""
    changed = {table: dict(chains) for table, chains in wanted.tables()}
    gone = {
        table: [chain for chain in present.get(table, ()) if chain.startswith(OURS) and chain not in chains]
        for table, chains in wanted.tables()
    }
    return _delta(changed, gone)


def between(wanted: Ruleset, loaded: Ruleset) -> Delta:
    """Write the chains that differ from what is loaded, and delete those not wanted any more."""
    before = dict(loaded.tables())
    changed = {
        table: {chain: rules for chain, rules in chains.items() if before[table].get(chain) != rules}
        for table, chains in wanted.tables()
    }
    gone = {table: [chain for chain in before[table] if chain not in chains] for table, chains in wanted.tables()}
    return _delta(changed, gone)


def _delta(changed: Mapping[str, Chains], gone: Mapping[str, list[str]]) -> Delta:
    text = "".join(_table(table, changed[table], sorted(gone[table])) for table in changed)
    return Delta(text, sum(len(changed[table]) + len(gone[table]) for table in changed))


def _table(table: str, changed: Chains, gone: list[str]) -> str:
    if not changed and not gone:
        return ""
    # A chain that is declared is emptied; one to be deleted must be empty and unreferenced, which the same
    # transaction sees to, for whoever jumped to it is among the changed chains.
    lines = [f"*{table}", *(f":{chain} - [0:0]" for chain in [*changed, *gone])]
    for chain, rules in changed.items():
        lines += [f"-A {chain} {rule}" for rule in rules]
    lines += [f"-X {chain}" for chain in gone]
    return "\n".join([*lines, "COMMIT"]) + "\n"
