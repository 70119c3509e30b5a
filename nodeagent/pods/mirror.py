"""Mirror pods: the API's copies of static pods, there to be seen. Deleting one deletes nothing: it is made again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from controlplane.api.core_v1 import Node, Pod, PodStatus
from controlplane.api.meta_v1 import ObjectMeta, OwnerReference
from controlplane.api.status import AlreadyExists, NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.keys import key_of
from controlplane.client.lister import Lister
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within
from nodeagent.pods import names

_log = logging.getLogger(__name__)
_RETRY = Backoff(first=1.0, cap=30.0)
_REST = 600.0


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    """Which copies to make, and which to delete."""

    create: tuple[Pod, ...] = ()
    delete: tuple[Pod, ...] = ()


def plan_mirrors(static: Iterable[Pod], mirrors: Iterable[Pod]) -> MirrorPlan:
    """Decide which mirror pods are missing, and which are outdated, dying or nobody's."""
    wanted = {key_of(pod): pod for pod in static}
    there = {key_of(pod): pod for pod in mirrors}
    stale = {key: pod for key, pod in there.items() if key not in wanted or not mirrors_it(pod, wanted[key])}
    missing = [pod for key, pod in wanted.items() if key not in there]
    return MirrorPlan(tuple(missing), tuple(stale.values()))


def mirrors_it(mirror: Pod, static: Pod) -> bool:
    """Whether a mirror pod is the copy of this very static pod."""
    theirs = mirror.metadata.annotations.get(names.CONFIG_MIRROR)
    return theirs == static.metadata.annotations[names.CONFIG_HASH] and mirror.metadata.deletion_timestamp is None


def mirror_of(static: Pod, node: Node) -> Pod:
    """Return the copy of a static pod to create; the node owns it, so it goes with the node."""
    meta = static.metadata
    owner = OwnerReference(
        api_version="v1", kind="Node", name=node.metadata.name, uid=node.metadata.uid, controller=True
    )
    copied = ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        labels=meta.labels,
        annotations=meta.annotations | {names.CONFIG_MIRROR: meta.annotations[names.CONFIG_HASH]},
        owner_references=[owner],
    )
    return replace(static, metadata=copied, status=PodStatus())


class Mirrors:
    """Keeps the API's copies what the static pods are."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        pods: Lister[Pod],
        is_mirror: Callable[[Pod], bool],
        static: Callable[[], Mapping[str, Pod]],
        node: Callable[[], Node | None],
    ):
        self._client, self._clock, self._pods, self._is_mirror = client, clock, pods, is_mirror
        self._static, self._node = static, node
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Look again: a static pod or a mirror pod has changed."""
        self._changed.set()

    def find(self, static: Pod) -> Pod | None:
        """Return the API's copy of a static pod, if it is there and current."""
        mirror = self._pods.get(static.metadata.namespace, static.metadata.name)
        return mirror if mirror is not None and mirrors_it(mirror, static) else None

    async def run(self) -> None:
        """Keep them until cancelled; the pods' lister must be filled."""
        failures = 0
        while True:
            self._changed.clear()
            try:
                done = await self._reconcile()
                failures = 0 if done else failures + 1
            except (StatusError, Unreachable) as error:
                if failures == 0:
                    _log.warning("mirror pods: %s", error)
                failures += 1
            await happens_within(self._changed, _RETRY.delay(failures - 1) if failures else _REST, self._clock)

    async def _reconcile(self) -> bool:
        """Do what is to be done; return whether nothing had to be put off."""
        decided = plan_mirrors(self._static().values(), filter(self._is_mirror, self._pods.list()))
        for pod in decided.delete:
            meta = pod.metadata
            with contextlib.suppress(NotFound):
                await self._client.delete(Pod, meta.name, meta.namespace, uid=meta.uid, grace_period_seconds=0)
        node = self._node()
        for pod in decided.create if node is not None else ():
            assert node is not None
            # The name is taken when the cache is behind, or by somebody else's pod, which is theirs to solve.
            with contextlib.suppress(AlreadyExists):
                await self._client.create(mirror_of(pod, node))
        return node is not None or not decided.create
