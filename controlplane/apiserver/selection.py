"""Which objects a LIST answers with: as of which revision, which page, which of them match.

resourceVersion   ""      the newest: wait until the cache has seen every acknowledged write
                  "0"     whatever is here, at once, in one page
                  N       with Exact, or with a limit: the state at N; else anything not older than N
continue                  the state of the first page, after its last key
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from controlplane.api.field_labels import check_field_selector
from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.selectors import FieldSelector, Selector, SelectorError
from controlplane.api.status import BadRequest, Expired, Timeout
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.continue_token import ContinueToken, parse_continue
from controlplane.apiserver.event_log import TooOld
from controlplane.apiserver.options import ListOptions
from controlplane.apiserver.storage import ResourceStorage
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import finish_within
from controlplane.store.interface import Compacted, FutureRevision

_WAIT = 3.0  # seconds that a read waits for the cache to reach a revision, as upstream's

_PAGE_IS_GONE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Objects in key order, as of `revision`."""

    items: Sequence[CachedObject]
    revision: int
    continue_: str = ""
    remaining: int | None = None  # None: not known, for a selector decides what counts


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects of a resource a request is about, whatever their revision."""

    storage: ResourceStorage
    directory: str  # "shop/" for a namespace, "" for all
    labels: Selector
    fields: FieldSelector

    @property
    def everything(self) -> bool:
        return self.labels.everything and self.fields.everything

    def matches(self, item: CachedObject) -> bool:
        """Return whether an object below `directory` is meant."""
        if not self.labels.everything and not self.labels.matches(item.labels):
            return False
        return self.fields.everything or self.fields.matches(self.storage.fields(item))

    def covers(self, item: CachedObject) -> bool:
        """Return whether any object is meant."""
        return item.key.startswith(self.directory) and self.matches(item)

    def select(self, items: Iterable[CachedObject]) -> list[CachedObject]:
        return [item for item in items if self.matches(item)]


def scope_of(storage: ResourceStorage, namespace: str, options: ListOptions) -> Scope:
    """Return what a LIST, WATCH or deletecollection is about. Raises BadRequest for a field nobody can select by."""
    fields = options.fields
    if not fields.everything:
        try:
            fields = check_field_selector(storage.resource, fields)
        except SelectorError as error:
            raise BadRequest(str(error)) from error
    directory = f"{namespace}/" if namespace and storage.resource.namespaced else ""
    return Scope(storage, directory, options.labels, fields)


async def select(scope: Scope, options: ListOptions, clock: Clock) -> Page:
    """Return the page asked for. Raises Expired, Timeout, BadRequest."""
    if not scope.fields.everything:
        await scope.storage.ready(scope.storage.cache.list(scope.directory))
    if options.continue_:
        return await _next_page(scope, options, parse_continue(options.continue_))
    version, match = options.resource_version, options.resource_version_match
    if version in ("", "0"):
        revision = await scope.storage.watch_cache.fresh() if not version else 0
        return _from_cache(scope, 0 if version else options.limit, "", revision)
    if match == "Exact" or (options.limit and not match):
        return await _at(scope, options.limit, "", options.revision)
    await wait_for(scope.storage, options.revision, clock)
    return _from_cache(scope, options.limit, "", 0)


async def wait_for(storage: ResourceStorage, revision: int, clock: Clock) -> None:
    """Return when the cache has seen `revision`. Raises Timeout if that takes too long: it may not exist yet."""
    cache = storage.watch_cache
    if cache.revision >= revision:
        return
    try:
        await finish_within(cache.reached(revision), _WAIT, clock)
    except TimeoutError as error:
        raise too_large(revision, cache.revision) from error


def too_large(revision: int, current: int) -> Timeout:
    message = f"Too large resource version: {revision}, current: {current}"
    cause = StatusCause(reason="ResourceVersionTooLarge", message="Too large resource version")
    return Timeout(message, details=StatusDetails(causes=[cause], retry_after_seconds=1), retry_after=1)


async def _next_page(scope: Scope, options: ListOptions, token: ContinueToken) -> Page:
    if token.revision > 0:
        return await _at(scope, options.limit, token.start, token.revision)
    await scope.storage.watch_cache.fresh()
    return _from_cache(scope, options.limit, token.start, 0)


def _from_cache(scope: Scope, limit: int, start: str, revision: int) -> Page:
    storage = scope.storage
    if storage.cache.unreadable:
        storage.refuse_unreadable(scope.directory)
    found = storage.cache.list(scope.directory, start)
    if not scope.everything:
        found = scope.select(found)
    return _cut(scope, found, limit, max(revision, storage.watch_cache.revision))


def _cut(scope: Scope, found: list[CachedObject], limit: int, revision: int) -> Page:
    if not limit or len(found) <= limit:
        return Page(found, revision)
    token = ContinueToken(revision, found[limit - 1].key)
    return Page(found[:limit], revision, token.encode(), len(found) - limit if scope.everything else None)


async def _at(scope: Scope, limit: int, start: str, revision: int) -> Page:
    """Return a page of the state at exactly `revision`: from the cache as long as nothing has changed since."""
    storage = scope.storage
    if _unchanged_since(storage, revision):
        page = _from_cache(scope, limit, start, 0)
        token = ContinueToken(revision, page.items[-1].key).encode() if page.continue_ else ""
        return Page(page.items, revision, token, page.remaining)
    try:
        return await _from_store(scope, limit, start, revision)
    except Compacted as error:
        raise _expired(scope, start) from error
    except FutureRevision as error:
        raise too_large(revision, storage.watch_cache.revision) from error


def _unchanged_since(storage: ResourceStorage, revision: int) -> bool:
    if revision > storage.watch_cache.revision:
        return False
    try:
        return storage.cache.log.position_after(revision) == storage.cache.log.end
    except TooOld:
        return False


async def _from_store(scope: Scope, limit: int, start: str, revision: int) -> Page:
    found: list[CachedObject] = []
    while True:
        items, at, remaining = await scope.storage.snapshot(
            scope.directory, limit=limit, start_after=start, revision=revision
        )
        found += items if scope.everything else scope.select(items)
        if not remaining or (limit and len(found) >= limit):
            break
        start = items[-1].key  # a selector left the page short: read on
    if limit and len(found) > limit:
        return Page(found[:limit], at, ContinueToken(at, found[limit - 1].key).encode())
    if remaining:
        token = ContinueToken(at, items[-1].key).encode()
        return Page(found, at, token, remaining if scope.everything else None)
    return Page(found, at)


def _expired(scope: Scope, start: str) -> Expired:
    if not start:
        return Expired("The resourceVersion for the provided list is too old.")
    error = Expired(_PAGE_IS_GONE)
    status = error.to_status()
    metadata = replace(status.metadata, continue_=ContinueToken(-1, start).encode())
    return Expired(_PAGE_IS_GONE, status=replace(status, metadata=metadata))
