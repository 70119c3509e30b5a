"""Creates this machine's Node, or adopts the one that is there."""

from __future__ import annotations

import logging

from controlplane.api.core_v1 import Node, NodeStatus
from controlplane.api.status import AlreadyExists, Conflict, NotFound
from controlplane.client.client import Client
from controlplane.kit.clock import Clock
from controlplane.kit.explained import Explained
from nodeagent.node.changes import changes
from nodeagent.node.render import NodeSettings, Observed, reconcile_registered, render_node
from nodeagent.node.status import Tell, tell_nobody

log = logging.getLogger(__name__)


class NameTaken(Explained):
    """Another machine has registered under this node's name."""


async def register(
    client: Client, settings: NodeSettings, observed: Observed, clock: Clock, tell: Tell = tell_nobody
) -> Node:
    """Return the Node, which now exists. Raises NameTaken, StatusError, Unreachable."""
    wanted = render_node(settings, observed, clock.now())
    while True:
        try:
            existing = await client.get(Node, settings.name)
        except NotFound:
            try:
                created = await client.create(wanted)
            except AlreadyExists:
                continue  # somebody was quicker by a moment
            log.info("registered node %s", settings.name)
            for told in changes(settings.name, NodeStatus(), created.status):
                tell(created, *told)
            return created
        _check_same_machine(existing, observed)
        update = reconcile_registered(existing, wanted)
        if update is None:
            return existing
        try:
            return await client.update(update)
        except Conflict:
            continue  # it changed meanwhile: look again


def _check_same_machine(existing: Node, observed: Observed) -> None:
    """Refuse to merge two machines into one Node: the name is the identity (a cloned image shares the machine id)."""
    info = existing.status.node_info
    theirs, ours = (info.system_uuid if info else ""), observed.machine.system_uuid
    if theirs and ours and theirs != ours and info and info.machine_id != observed.machine.machine_id:
        raise NameTaken(
            f"node {existing.metadata.name} is another machine (system UUID {theirs}, this one is {ours}); delete it "
            f"first (kubectl delete node {existing.metadata.name}) or join under another --node-name"
        )
