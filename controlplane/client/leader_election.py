"""One of several takes the lead, and a Lease says who.

The holder renews every 2 s; if it could not for 10 s it stops leading; the others wait until the Lease has not moved
for 15 s by their own clocks. So nobody's clock has to agree with anybody's, only to run as fast.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import msgspec

from controlplane.api.coordination_v1 import Lease, LeaseSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import AlreadyExists, Conflict, NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_micro_time
from controlplane.kit.waiting import finish_within

_log = logging.getLogger(__name__)


class LeadershipLost(Exception):
    """The Lease could not be renewed in time, so somebody else may lead now."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Upstream's defaults, in seconds."""

    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    @property
    def attempt(self) -> float:
        """How long one attempt may take: half of what all of them have, as upstream's clients are set up."""
        return self.renew_deadline / 2


class LeaderElector:
    """Runs something only while this process holds the Lease."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        random: Random,
        *,
        name: str,
        identity: str,
        namespace: str = "kube-system",
        timing: Timing = Timing(),
    ):
        self._client, self._clock, self._random, self._timing = client, clock, random, timing
        self._namespace, self._name, self.identity = namespace, name, identity
        self._seen: Lease | None = None
        self._moved_at = 0.0  # when the Lease last changed, by our own clock
        self._failures = 0  # attempts in a row that got no usable answer

    def is_leader(self) -> bool:
        return self._seen is not None and self._seen.spec.holder_identity == self.identity

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lead, then run `lead` while it is ours; cancelling gives the lead back.

        Raises LeadershipLost.
        """
        await self._acquire()
        _log.info("%s leads %s/%s", self.identity, self._namespace, self._name)
        try:
            async with asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(self._renew())
                await lead()
                renewing.cancel()
        except ExceptionGroup as group:
            lost, others = group.split(LeadershipLost)
            if lost is None or others is not None:
                raise
            self._seen = None  # whatever the Lease says now, it is not ours to give back
            raise LeadershipLost(str(next(iter(lost.exceptions)))) from group
        finally:
            await asyncio.shield(self._release())

    async def _acquire(self) -> None:
        while not await self._try_within(self._timing.attempt):
            await self._clock.sleep(self._timing.retry_period * (1 + 0.2 * self._random.random()))

    async def _renew(self) -> None:
        deadline = self._clock.monotonic() + self._timing.renew_deadline
        while True:
            await self._clock.sleep(self._timing.retry_period)
            if await self._try_within(min(self._timing.attempt, deadline - self._clock.monotonic())):
                deadline = self._clock.monotonic() + self._timing.renew_deadline
            elif self._somebody_else_leads():
                raise LeadershipLost(f"{self._namespace}/{self._name} was taken over")
            elif self._clock.monotonic() >= deadline:
                raise LeadershipLost(f"{self._namespace}/{self._name} was not renewed in time")

    async def _try_within(self, seconds: float) -> bool:
        """Like `_try`, but no longer than that: a request that is lost must not stand in the way of the next one."""
        try:
            return await finish_within(self._try(), seconds, self._clock)
        except TimeoutError as error:
            return self._lost(error)

    async def _try(self) -> bool:
        """Take or renew the Lease; return whether it is ours now."""
        try:
            self._observe(await self._client.get(Lease, self._name, self._namespace))
        except NotFound:
            return await self._write(self._client.create, self._lease(ObjectMeta(), None))
        except (StatusError, Unreachable) as error:
            return self._lost(error)
        assert self._seen is not None
        if self._somebody_else_leads() and not self._ran_out():
            self._recovered()
            return False
        return await self._write(self._client.update, self._lease(self._seen.metadata, self._seen.spec))

    async def _write(self, write: Callable[[Lease], Awaitable[Lease]], lease: Lease) -> bool:
        try:
            self._observe(await write(lease))
        except (Conflict, AlreadyExists):
            self._recovered()
            return False  # somebody else was faster: look again next time
        except (StatusError, Unreachable) as error:
            return self._lost(error)
        self._recovered()
        return True

    def _lost(self, error: Exception) -> bool:
        if self._failures == 0:
            _log.warning("lease %s/%s: lost: %s", self._namespace, self._name, error)
        self._failures += 1
        return False

    def _recovered(self) -> None:
        if self._failures:
            _log.info("lease %s/%s: recovered after %d attempts", self._namespace, self._name, self._failures)
        self._failures = 0

    def _lease(self, metadata: ObjectMeta, spec: LeaseSpec | None) -> Lease:
        now = format_micro_time(self._clock.now())
        ours = spec is not None and spec.holder_identity == self.identity
        transitions = (spec.lease_transitions or 0) + (not ours) if spec else 0
        return Lease(
            metadata=msgspec.structs.replace(metadata, name=self._name, namespace=self._namespace),
            spec=LeaseSpec(
                holder_identity=self.identity,
                lease_duration_seconds=int(self._timing.lease_duration),
                acquire_time=spec.acquire_time if ours and spec else now,
                renew_time=now,
                lease_transitions=transitions,
            ),
        )

    def _observe(self, lease: Lease) -> None:
        if self._seen is None or self._seen.metadata.resource_version != lease.metadata.resource_version:
            self._seen, self._moved_at = lease, self._clock.monotonic()

    def _somebody_else_leads(self) -> bool:
        return self._seen is not None and self._seen.spec.holder_identity not in ("", self.identity)

    def _ran_out(self) -> bool:
        return self._clock.monotonic() - self._moved_at >= self._timing.lease_duration

    async def _release(self) -> None:
        """Leave the Lease without a holder, so that the next one need not wait for it to run out."""
        if not self.is_leader() or self._seen is None:
            return
        spec = msgspec.structs.replace(self._seen.spec, holder_identity="", lease_duration_seconds=1)
        await self._write(self._client.update, msgspec.structs.replace(self._seen, spec=spec))
