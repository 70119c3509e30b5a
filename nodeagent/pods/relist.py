"""Looks at the whole runtime now and then, for what no event has told (upstream: the pod lifecycle event generator)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nodeagent.cri.records import POD_UID, Container, Sandbox, State
from nodeagent.cri.runtime import Runtime

Picture = Mapping[str, frozenset[tuple[str, str]]]
"""For each pod UID, every sandbox and container with its state."""


async def take_picture(runtime: Runtime) -> tuple[Picture, Mapping[str, Sandbox | Container]]:
    """Return the picture, and for each UID something that carries the pod's labels. Raises RuntimeFailure."""
    sandboxes = await runtime.list_sandboxes()
    containers = await runtime.list_containers()
    everything: list[Sandbox | Container] = [*sandboxes, *containers]
    return picture(sandboxes, containers), {one.labels[POD_UID]: one for one in everything if POD_UID in one.labels}


def picture(sandboxes: Iterable[Sandbox], containers: Iterable[Container]) -> Picture:
    """Return the state of everything that some kubelet has made."""
    found: dict[str, set[tuple[str, str]]] = {}
    for sandbox in sandboxes:
        if POD_UID in sandbox.labels:
            found.setdefault(sandbox.labels[POD_UID], set()).add((sandbox.id, "ready" if sandbox.ready else "dead"))
    for container in containers:
        if POD_UID in container.labels:
            found.setdefault(container.labels[POD_UID], set()).add((container.id, _shown(container.state)))
    return {uid: frozenset(states) for uid, states in found.items()}


def _shown(state: State) -> str:
    return state.name.lower()


def changed(before: Picture, after: Picture) -> set[str]:
    """Return the UIDs of pods that look different."""
    return {uid for uid in {**before, **after} if before.get(uid) != after.get(uid)}
