"""Runs the probes of every container, each in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from controlplane.api.core_v1 import Container, Probe
from controlplane.kit.clock import Clock
from nodeagent.probes.verdict import Kind, Outcome, Result, Verdict, initial, judge

_log = logging.getLogger(__name__)

_DEFAULT_PERIOD = 10  # seconds


class Check(Protocol):
    """Asks a container once."""

    async def check(self, probe: Probe, container: Container, container_id: str, pod_ip: str) -> Outcome: ...


class Listener(Protocol):
    """Learns what the probes of one pod's containers say; called synchronously."""

    def probed(self, container: Container, kind: Kind, success: bool, seconds: float) -> None:
        """A check was made; it took so long."""

    def probe_failed(self, container: Container, kind: Kind, output: str) -> None:
        """One check failed; it may take more of them for a verdict."""

    def probe_verdict(self, container: Container, container_id: str, kind: Kind, result: Result) -> None:
        """What is believed of the container has changed."""


@dataclass
class _Probed:
    tasks: dict[Kind, asyncio.Task[None]]
    started: asyncio.Event


class ProbeManager:
    """The probes of all running containers, by container id."""

    def __init__(self, check: Check, clock: Clock):
        self._check, self._clock = check, clock
        self._tasks: asyncio.TaskGroup | None = None
        self._probed: dict[str, _Probed] = {}

    async def run(self) -> None:
        """Own the probes until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.Event().wait()

    def start(
        self,
        container: Container,
        container_id: str,
        pod_ip: str,
        listener: Listener,
        *,
        started: bool = False,
        age: float = 0.0,
    ) -> None:
        """Probe a running container until `stop`; `started` skips its startup probe, `age` counts as initial delay.

        A container that is probed already is left alone.
        """
        if container_id in self._probed or not has_probes(container):
            return
        if self._tasks is None:
            raise RuntimeError("ProbeManager.run() is not running")
        probed = self._probed[container_id] = _Probed({}, asyncio.Event())
        if container.startup_probe is None or started:
            probed.started.set()
        for kind, probe in probes_of(container).items():
            if not (kind is Kind.STARTUP and started):
                work = self._run(kind, probe, container, container_id, pod_ip, listener, probed, age)
                probed.tasks[kind] = self._tasks.create_task(work)

    def only_readiness(self, container_id: str) -> None:
        """The container is to end: whether it lives is not asked any more, whether it can still serve is."""
        tasks = self._probed[container_id].tasks if container_id in self._probed else {}
        for kind in {Kind.STARTUP, Kind.LIVENESS} & tasks.keys():
            tasks.pop(kind).cancel()

    def stop(self, container_id: str) -> None:
        """Probe this container no more."""
        probed = self._probed.pop(container_id, None)
        for task in probed.tasks.values() if probed else ():
            task.cancel()

    async def _run(
        self,
        kind: Kind,
        probe: Probe,
        container: Container,
        container_id: str,
        pod_ip: str,
        listener: Listener,
        probed: _Probed,
        age: float,
    ) -> None:
        if kind is not Kind.STARTUP:
            await probed.started.wait()
        await self._clock.sleep(max(0.0, (probe.initial_delay_seconds or 0) - age))
        verdict = initial(kind)
        while True:
            verdict = await self._once(kind, probe, container, container_id, pod_ip, listener, verdict)
            if kind is Kind.STARTUP and verdict.result is Result.SUCCESS:
                probed.started.set()
                return
            if verdict.result is Result.FAILURE and kind is not Kind.READINESS:
                return  # it is going to be restarted, under another id
            await self._clock.sleep(probe.period_seconds or _DEFAULT_PERIOD)

    async def _once(
        self,
        kind: Kind,
        probe: Probe,
        container: Container,
        container_id: str,
        pod_ip: str,
        listener: Listener,
        before: Verdict,
    ) -> Verdict:
        asked = self._clock.monotonic()
        outcome = await self._check.check(probe, container, container_id, pod_ip)
        listener.probed(container, kind, outcome.success, self._clock.monotonic() - asked)
        if not outcome.success:
            listener.probe_failed(container, kind, outcome.output)
        verdict = judge(probe, before, outcome)
        if verdict.result is not before.result:
            _log.debug("%s %s of %s: %s", container.name, kind.value, container_id[:13], verdict.result.value)
            listener.probe_verdict(container, container_id, kind, verdict.result)
        return verdict


def probes_of(container: Container) -> dict[Kind, Probe]:
    """Return the container's probes by what they are for."""
    found = {
        Kind.STARTUP: container.startup_probe,
        Kind.READINESS: container.readiness_probe,
        Kind.LIVENESS: container.liveness_probe,
    }
    return {kind: probe for kind, probe in found.items() if probe is not None}


def has_probes(container: Container) -> bool:
    return bool(probes_of(container))
