"""ResourceQuota: what a namespace may use, checked and charged before the object is written.

    requests of one namespace ─► wait for the one under way ─► charged together ─► one write a quota, compare-and-swap
                                                                                     │ somebody else was faster
                                                                                     └─► again with the newer quota

So many creations at once take few writes, and never use more than there is: a charge that is not written is not given.
What turns out not to be used (the write failed later on) is given back by the resourcequota controller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import from_document, without_nulls
from controlplane.api.core_v1 import ResourceQuota
from controlplane.api.quota.amounts import equal
from controlplane.api.quota.charge import LimitedResource, Refused, Uncovered, Write, charge
from controlplane.api.quota.kinds import Evaluator, evaluator_for
from controlplane.api.resources import BY_PATH, resource_of
from controlplane.api.status import InternalError, StatusError, conflict
from controlplane.kit.clock import Clock

_ATTEMPTS = 4  # versions of a quota that a charge is tried on


class QuotaLedger(Protocol):
    """Where quotas are kept."""

    def quotas(self, namespace: str) -> Sequence[ResourceQuota]:
        """Return a namespace's quotas, as new as this process knows them; own charges are always seen."""

    async def write(self, quota: ResourceQuota) -> bool:
        """Write status.used; False if the quota has changed since, and `quotas` now tells the newer one."""


@dataclass(slots=True, eq=False)
class _Request:
    """One write that waits for its turn."""

    write: Write
    dry_run: bool
    done: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class _Namespace:
    """Requests in one namespace; there only while somebody waits."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[_Request] = field(default_factory=list)


class ResourceQuotaAdmission(Plugin):
    """Runs after everything that may still change or refuse the object."""

    name = "ResourceQuota"

    def __init__(self, ledger: QuotaLedger, clock: Clock, limited: Sequence[LimitedResource] = ()):
        self._ledger, self._clock, self._limited = ledger, clock, limited
        self._namespaces: dict[str, _Namespace] = {}

    async def validate(self, attributes: Attributes) -> None:
        # A heartbeat is over after the first of these questions: an update changes nothing of a mere number.
        namespace, evaluator = attributes.namespace, _evaluator_of(attributes)
        if evaluator is None or not namespace or not attributes.resource.namespaced:
            return
        if not self._limited and not self._ledger.quotas(namespace):
            return
        request = _Request(_write_of(attributes, evaluator), attributes.dry_run)
        await self._settle(namespace, request)
        if isinstance(request.error, Refused):
            raise attributes.forbidden(str(request.error))
        if isinstance(request.error, Uncovered):
            raise InternalError(str(request.error))
        if request.error is not None:
            raise request.error

    async def _settle(self, namespace: str, request: _Request) -> None:
        """Have the request charged or refused, with all that wait beside it."""
        place = self._namespaces.setdefault(namespace, _Namespace())
        place.waiting.append(request)
        try:
            async with place.lock:
                if not request.done:
                    # If this caller goes away meanwhile, the others are still waiting: the next one settles them.
                    await self._settle_all(namespace, list(place.waiting))
        finally:
            place.waiting.remove(request)
            if not place.waiting and self._namespaces.get(namespace) is place:
                del self._namespaces[namespace]

    async def _settle_all(self, namespace: str, requests: Sequence[_Request]) -> None:
        requests = [request for request in requests if not request.done]
        stale: set[str] | None = None  # the quotas still to be charged; None: all
        for _ in range(_ATTEMPTS):
            quotas = [q for q in self._ledger.quotas(namespace) if stale is None or q.metadata.name in stale]
            # Whether quotas cover what is limited by default was seen the first time, with all of them in view.
            after = self._charge_each(quotas, requests, self._limited if stale is None else ())
            written = [
                (new.metadata.name, await self._ledger.write(new))
                for old, new in zip(quotas, after, strict=True)
                if not equal(old.status.used, new.status.used)
            ]
            stale = {name for name, accepted in written if not accepted}
            if not stale:
                break
        failure = conflict(resource_of(ResourceQuota), min(stale)) if stale else None
        for request in requests:
            if not request.done:
                request.done, request.error = True, failure

    def _charge_each(
        self, quotas: list[ResourceQuota], requests: Sequence[_Request], limited: Sequence[LimitedResource]
    ) -> list[ResourceQuota]:
        """Return the quotas after all requests that fit, one after the other; those that do not are told so."""
        for request in requests:
            if request.done:
                continue
            try:
                charged = charge(quotas, request.write, self._clock.now(), limited)
            except (Refused, Uncovered, StatusError) as error:
                request.done, request.error = True, error
                continue
            if request.dry_run:
                request.done = True
            else:
                quotas = charged
        return quotas


def _evaluator_of(attributes: Attributes) -> Evaluator | None:
    """Return how what is written is counted; None if the request can change nothing of what is used."""
    update = attributes.operation is Operation.UPDATE
    if attributes.document is None or not (update or attributes.operation is Operation.CREATE):
        return None
    evaluator = evaluator_for(attributes.resource.group, attributes.resource.plural)
    return evaluator if evaluator is not None and evaluator.handles(attributes.subresource, update=update) else None


def _write_of(attributes: Attributes, evaluator: Evaluator) -> Write:
    group, plural = attributes.resource.group, attributes.resource.plural
    if (group, plural) not in _READ:
        return Write(group, plural, evaluator, None)
    type_, old = _READ[group, plural], attributes.old
    new_object = from_document(without_nulls(attributes.document), type_)
    old_object = None if old is None else from_document(without_nulls(old), type_)
    return Write(group, plural, evaluator, new_object, old_object, attributes.subresource)


# Of all others only the number counts.
_READ = {("", plural): BY_PATH["", "v1", plural].type for plural in ("pods", "services", "persistentvolumeclaims")}
