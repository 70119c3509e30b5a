"""Keeps the objects of priority and fairness: the bootstrap ones, and the Dangling condition of every FlowSchema."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from controlplane.api.flowcontrol_v1 import FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import BY_TYPE
from controlplane.api.status import AlreadyExists, Conflict, NotFound, StatusError
from controlplane.apiserver.flowcontrol import bootstrap
from controlplane.apiserver.flowcontrol.bootstrap import C
from controlplane.apiserver.flowcontrol.control import FlowControl
from controlplane.apiserver.storage import prefix_of
from controlplane.apiserver.watch_cache import ResourceCache, WatchCache
from controlplane.client.client import Client, PatchType
from controlplane.kit.clock import Clock
from controlplane.kit.tasks import running
from controlplane.kit.timestamps import format_time

_log = logging.getLogger(__name__)

PRODUCER = "api-priority-and-fairness-config-producer-v1"
CONSUMER = "api-priority-and-fairness-config-consumer-v1"
_PERIOD = 60.0  # seconds between looks at the bootstrap objects
_RETRY = 30.0  # seconds until a condition that could not be written is tried again

_SETS: Sequence[tuple[type[Any], Sequence[Any], Sequence[Any]]] = (
    (PriorityLevelConfiguration, bootstrap.MANDATORY_LEVELS, bootstrap.SUGGESTED_LEVELS),
    (FlowSchema, bootstrap.MANDATORY_SCHEMAS, bootstrap.SUGGESTED_SCHEMAS),
)


@asynccontextmanager
async def kept(
    flow: FlowControl, client: Client, reader: ObjectReader, cache: WatchCache, clock: Clock
) -> AsyncIterator[None]:
    """Make the objects, and keep them and the seats while the block runs. Raises StatusError."""
    await ensure_objects(client, reader)
    await cache.fresh()
    flow.refresh()
    caches = [cache.of(prefix_of(BY_TYPE[type_])) for type_, *_ in _SETS]
    async with running(
        flow.adjust(),
        keep_objects(client, reader, clock),
        keep_conditions(client, reader, caches, clock),
    ):
        yield


async def ensure_objects(client: Client, reader: ObjectReader) -> None:
    """Make the bootstrap objects what they should be. Raises StatusError."""
    for type_, mandatory, suggested in _SETS:
        for expected in mandatory:
            await _ensure(client, reader, expected, mandatory=True)
        for expected in suggested:
            await _ensure(client, reader, expected, mandatory=False)
        for one in bootstrap.obsolete(reader.list(type_), (*mandatory, *suggested)):
            with suppress(NotFound):
                await client.delete(type_, one.metadata.name)


async def _ensure(client: Client, reader: ObjectReader, expected: C, *, mandatory: bool) -> None:
    existing = reader.get(type(expected), "", expected.metadata.name)
    if existing is None:
        with suppress(AlreadyExists):  # another server was quicker
            await client.create(expected)
        return
    wanted = bootstrap.kept(existing, expected, mandatory=mandatory)
    if wanted is not None:
        with suppress(Conflict, NotFound):  # somebody has just changed it: look again in a minute
            await client.update(wanted)


async def keep_objects(client: Client, reader: ObjectReader, clock: Clock) -> None:
    """Ensure the bootstrap objects every minute, for ever."""
    while True:
        await clock.sleep(_PERIOD)
        try:
            await ensure_objects(client, reader)
        except StatusError as error:
            _log.warning("the objects of priority and fairness cannot be kept, next try in a minute: %s", error)


def condition_of(schema: FlowSchema, found: bool, now: datetime) -> FlowSchemaCondition | None:
    """Return the Dangling condition that a schema should have, or None if it has it."""
    reference = schema.spec.priority_level_configuration
    name = reference.name if reference is not None else ""
    opening = f'This FlowSchema references the PriorityLevelConfiguration object named "{name}"'
    wanted = FlowSchemaCondition(
        type="Dangling",
        status="False" if found else "True",
        reason="Found" if found else "NotFound",
        message=f"{opening} and it exists" if found else f"{opening} but there is no such object",
        last_transition_time=format_time(now),
    )
    for one in schema.status.conditions:
        if one.type == "Dangling" and (one.status, one.reason, one.message) == (
            wanted.status, wanted.reason, wanted.message,
        ):  # fmt: skip
            return None
    return wanted


async def keep_conditions(client: Client, reader: ObjectReader, caches: Sequence[ResourceCache], clock: Clock) -> None:
    """Write the Dangling condition of FlowSchemas whenever an object of `caches` changes, for ever."""
    changed = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for cache in caches:
            group.create_task(_notice(cache, changed.set))
        while True:
            changed.clear()
            if not await _write_conditions(client, reader, clock):
                await clock.sleep(_RETRY)
                continue
            await changed.wait()


async def _notice(cache: ResourceCache, changed: Callable[[], None]) -> None:
    """Say when something changes, until the server stops."""
    with cache.watcher(cache.log.end, None) as watcher:
        while not cache.closed:
            await watcher.wait()
            changed()


async def _write_conditions(client: Client, reader: ObjectReader, clock: Clock) -> bool:
    """Write what is not as it should be; return whether all is well then."""
    levels = {level.metadata.name for level in reader.list(PriorityLevelConfiguration)}
    done = True
    for schema in reader.list(FlowSchema):
        reference = schema.spec.priority_level_configuration
        condition = condition_of(schema, reference is not None and reference.name in levels, clock.now())
        if condition is None:
            continue
        applied = {
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "FlowSchema",
            "metadata": {"name": schema.metadata.name},
            "status": {"conditions": [condition]},
        }
        try:
            await client.patch(
                FlowSchema, schema.metadata.name, applied, kind=PatchType.APPLY, subresource="status",
                field_manager=CONSUMER, force=True,
            )  # fmt: skip
        except NotFound:
            continue  # deleted meanwhile
        except StatusError as error:
            _log.warning("the condition of FlowSchema %s cannot be written: %s", schema.metadata.name, error)
            done = False
    return done
