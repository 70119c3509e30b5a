"""Walks a packet through rendered service rules, as the kernel would, so that tests can say where it must arrive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

from nodeagent.proxy.render import Ruleset


@dataclass(frozen=True)
class Packet:
    source: str
    destination: str
    port: int
    protocol: str = "tcp"
    node_addresses: frozenset[str] = frozenset({"192.168.56.11"})
    seen_by: frozenset[str] = frozenset()  # names of `recent` lists that hold the source
    marked: bool = False


@dataclass(frozen=True)
class Arrival:
    """Where a packet may end: an endpoint, "REJECT", "DROP", or its own destination untouched."""

    at: str
    masqueraded: bool = False


@dataclass
class Options:
    """One rule, taken apart."""

    words: list[str]
    values: dict[str, list[str]] = field(default_factory=dict)
    negated: set[str] = field(default_factory=set)


def trace(ruleset: Ruleset, packet: Packet) -> set[str]:
    """Return every place the packet may reach."""
    return {arrival.at for arrival in arrivals(ruleset, packet)}


def arrivals(ruleset: Ruleset, packet: Packet) -> set[Arrival]:
    found = set()
    for after in _walk(ruleset.nat, "KUBE-SERVICES", packet):
        if isinstance(after, Arrival):
            found.add(after)
            continue
        refused = _refused(ruleset, after)
        found.add(Arrival(refused or f"{after.destination}:{after.port}", after.marked))
    return found


def _refused(ruleset: Ruleset, packet: Packet) -> str:
    for chain in ("KUBE-EXTERNAL-SERVICES", "KUBE-SERVICES"):
        for outcome in _walk(ruleset.filter, chain, packet):
            if isinstance(outcome, Arrival):
                return outcome.at
    return ""


def _walk(table: Mapping[str, tuple[str, ...]], chain: str, packet: Packet) -> Iterator[Packet | Arrival]:
    """Yield how the packet may leave a chain: as an arrival, or as a packet that goes on behind it."""
    current = [packet]
    for rule in table[chain]:
        following: list[Packet] = []
        for one in current:
            options = _parse(rule)
            matches = _matches(options, one)
            if matches is not True:
                following.append(one)
            if matches is False:
                continue
            for outcome in _jump(table, options, one):
                if isinstance(outcome, Arrival):
                    yield outcome
                else:
                    following.append(outcome)
        current = following
    yield from current


def _jump(table: Mapping[str, tuple[str, ...]], options: Options, packet: Packet) -> Iterator[Packet | Arrival]:
    target = options.values["-j"][0]
    match target:
        case "DNAT":
            yield Arrival(options.values["--to-destination"][0], packet.marked)
        case "REJECT" | "DROP":
            yield Arrival(target)
        case "MARK":
            yield replace(packet, marked=True)
        case _:
            yield from _walk(table, target, packet)


def _parse(rule: str) -> Options:
    words, text, quoted = [], "", False
    for character in rule + " ":
        if character == '"':
            quoted = not quoted
        elif character == " " and not quoted:
            if text:
                words.append(text)
            text = ""
        else:
            text += character
    options = Options(words)
    negate, key = False, ""
    for word in words:
        if word == "!":
            negate = True
        elif word.startswith("-") and not word.lstrip("-").isdigit() and word != "->":
            key = word
            options.values.setdefault(key, [])
            if negate:
                options.negated.add(key)
            negate = False
        else:
            options.values[key].append(word)
    return options


def _matches(options: Options, packet: Packet) -> bool | None:
    """True, False, or None for a rule that only chance decides."""
    values = options.values
    checks = []
    if "-p" in values:
        checks.append(values["-p"][0] == packet.protocol)
    if "-d" in values:
        checks.append(_within(packet.destination, values["-d"][0]) != ("-d" in options.negated))
    if "-s" in values:
        checks.append(_within(packet.source, values["-s"][0]) != ("-s" in options.negated))
    if "--dport" in values:
        checks.append(packet.port == int(values["--dport"][0]))
    if values.get("--dst-type") == ["LOCAL"]:
        checks.append(packet.destination in packet.node_addresses)
    if values.get("--src-type") == ["LOCAL"]:
        checks.append(packet.source in packet.node_addresses)
    if "--rcheck" in values:
        checks.append(values["--name"][0] in packet.seen_by)
    if not all(checks):
        return False
    return None if "--probability" in values else True


def _within(address: str, network: str) -> bool:
    return ip_address(address) in ip_network(network)
