"""POST pods/NAME/eviction: a deletion that disruption budgets may refuse (`disruption`)."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from controlplane.api import status
from controlplane.api.core_v1 import Pod
from controlplane.api.meta_v1 import DeleteOptions, Preconditions, Status
from controlplane.api.policy_v1 import Eviction, PodDisruptionBudget
from controlplane.api.status import BadRequest, Conflict, Timeout
from controlplane.apiserver.answers import document_answer
from controlplane.apiserver.bodies import Expected, parse_body, to_object
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.deletion import delete_object
from controlplane.apiserver.disruption import (
    budget_of,
    goes_free,
    ignores_budgets,
    mark_target,
    may_become_healthy,
    spend,
    still_processed,
)
from controlplane.apiserver.handlers.admitting import creation
from controlplane.apiserver.messages import Response
from controlplane.apiserver.metadata import check_preconditions, metadata_of
from controlplane.apiserver.options import write_options
from controlplane.apiserver.patch import track_update
from controlplane.apiserver.shape import shape_of
from controlplane.apiserver.storage import ResourceStorage
from controlplane.kit.timestamps import format_time
from controlplane.store.interface import RevisionMismatch

_EVICTION = Expected("policy/v1", "Eviction", shape_of(Eviction))
_BUDGETS = ("policy", "v1", "poddisruptionbudgets")
_ATTEMPTS = 20  # as upstream
_RETRY = 10  # seconds
_MANAGER = "kube-apiserver"


async def evict(call: Call) -> Response:
    """Answer 201 when the pod is on its way out."""
    options = await _options(call)
    await call.backend.cache.fresh()
    await _Eviction(call, options).run()
    return document_answer(Status(api_version="v1", kind="Status", status="Success", code=201), call.accepts(), 201)


async def _options(call: Call) -> DeleteOptions:
    """Return how the pod is to be deleted, as the Eviction in the body says. Raises StatusError."""
    request, info = call.request, call.info
    options = write_options(request.query, "CreateOptions")
    body = await request.read()
    parsed = parse_body(body, request.headers.get("Content-Type", ""), _EVICTION, options.field_validation)
    call.warnings += parsed.warnings
    if metadata_of(parsed.document).get("name") != info.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    attributes = creation(call, parsed.document, options)
    await call.backend.admission.mutate(attributes)
    eviction: Eviction = to_object(parsed.document, _EVICTION)
    await call.backend.admission.validate(attributes)
    wanted = eviction.delete_options or DeleteOptions()
    return replace(wanted, dry_run=["All"]) if options.dry_run else wanted


@dataclass(frozen=True, slots=True)
class _Eviction:
    """One request to evict, with the options of the deletion that it becomes."""

    call: Call
    options: DeleteOptions

    async def run(self) -> None:
        """Evict, or say why not. Raises StatusError."""
        for attempt in range(1, _ATTEMPTS + 1):
            item = await self._pod(newest=attempt > 1)
            pod: Pod = self.call.storage.decoded(item)
            if not ignores_budgets(pod):
                await self._within_budget(item, pod)
                return
            try:
                await self._delete(item, guarded=may_become_healthy(pod))
                return
            except Conflict:
                # It changed, and may now be one that budgets protect. Whoever named a version is told instead.
                if self._names_a_version() or attempt == _ATTEMPTS:
                    raise

    async def _within_budget(self, item: CachedObject, pod: Pod) -> None:
        budgets = self.call.backend.storage(*_BUDGETS)
        found = budgets.cache.list(f"{self.call.info.namespace}/")
        budget = budget_of(pod, (budgets.object(one) for one in found))
        if budget is None:
            await self._delete(item, guarded=False)
        elif goes_free(pod, budget):
            try:
                await self._delete(item, guarded=True)
            except Conflict as error:
                if self._names_a_version():
                    raise
                raise still_processed(budget.metadata.name) from error  # it may have become ready
        else:
            await self._spend(budgets, budget)
            await self._delete(item, guarded=False)

    async def _spend(self, budgets: ResourceStorage, budget: PodDisruptionBudget) -> None:
        """Write into the budget that a disruption is spent. Raises TooManyRequests, Forbidden, NotFound, Timeout."""
        namespace, name = self.call.info.namespace, budget.metadata.name
        item = budgets.cache.get(budgets.key(namespace, name))
        for _ in range(_ATTEMPTS):
            if item is None:
                item = await budgets.read_from_store(namespace, name)
            if item is None:
                raise status.not_found(budgets.resource, name)
            old, new, now = budgets.document(item), budgets.document(item), format_time(self.call.backend.clock.now())
            spend(new, self.call.info.name, now)
            if self.options.dry_run:
                return
            track_update(new, old, _MANAGER, "status", now, budgets.shape.merging)
            try:
                await budgets.replace(item, budgets.encode_document(new))
                return
            except RevisionMismatch:
                item = None
        raise Timeout(f'couldn\'t update PodDisruptionBudget "{name}" due to conflicts', retry_after=_RETRY)

    async def _delete(self, item: CachedObject, *, guarded: bool) -> None:
        """Delete the pod; if `guarded`, only as long as it is as it was when this was decided."""
        options = self.options
        if guarded and not self._names_a_version():
            options = _at_revision(options, item.revision)
        if not options.dry_run:
            options = await self._mark(item, options)
        await delete_object(self.call, self.call.info.namespace, self.call.info.name, options)

    async def _mark(self, item: CachedObject, options: DeleteOptions) -> DeleteOptions:
        """Write into the pod why it goes; return the options for its new version. Raises Conflict, NotFound."""
        storage, name = self.call.storage, self.call.info.name
        now = format_time(self.call.backend.clock.now())

        for _ in range(_ATTEMPTS):
            pod = storage.document(item)
            check_preconditions(storage.resource, name, pod["metadata"], item.revision, options)
            if not mark_target(pod, now):
                return options
            try:
                marked = await storage.replace(item, storage.encode_document(pod))
            except RevisionMismatch:
                item = await self._pod(newest=True)
                continue
            named = options.preconditions is not None and bool(options.preconditions.resource_version)
            return _at_revision(options, marked.revision) if named else options
        raise status.conflict(storage.resource, name)

    async def _pod(self, *, newest: bool) -> CachedObject:
        storage, info = self.call.storage, self.call.info
        item = None if newest else storage.cache.get(storage.key(info.namespace, info.name))
        item = item or await storage.read_from_store(info.namespace, info.name)
        if item is None:
            raise status.not_found(storage.resource, info.name)
        return item

    def _names_a_version(self) -> bool:
        return self.options.preconditions is not None and bool(self.options.preconditions.resource_version)


def _at_revision(options: DeleteOptions, revision: int) -> DeleteOptions:
    preconditions = options.preconditions or Preconditions()
    return replace(options, preconditions=replace(preconditions, resource_version=str(revision)))
