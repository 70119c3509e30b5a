"""Which images go, and when. Pure.

    used > 85 %   remove until 80 % are used: those not used for longest first
    too old       remove what was not used for the maximum age, whatever the disk says (off by default)

Never removed: images of containers, running or not; those that a pod here names; pinned ones and the sandbox image;
and what was first seen less than two minutes ago, for somebody may just have pulled it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from controlplane.api.core_v1 import Pod
from nodeagent.cri.records import Image
from nodeagent.kernel.headroom import Left


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """When images go: shares of the disk in per cent, ages in seconds (a maximum of 0: however old)."""

    high: int = 85
    low: int = 80
    min_age: float = 120.0
    max_age: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """An image, when it was first seen and when it was last used (None: never), in seconds of one clock."""

    image: Image
    seen_at: float
    used_at: float | None = None


Catalogue = Mapping[str, Known]
"""By image id."""


def note(known: Catalogue, images: Iterable[Image], in_use: Collection[str], now: float) -> Catalogue:
    """Return what is known after a look: new images are new, those in use are used now, those that are gone are not."""
    found = {}
    for image in images:
        before = known.get(image.id) or Known(image, now)
        used_at = now if is_used(image, in_use) else before.used_at
        found[image.id] = replace(before, image=image, used_at=used_at)
    return found


def is_used(image: Image, in_use: Collection[str]) -> bool:
    """Whether one of the image's names is among those in use."""
    return image.pinned or any(name in in_use for name in (image.id, *image.tags, *image.digests))


def plan(known: Catalogue, policy: ImagePolicy, wanted: int, now: float) -> Sequence[Image]:
    """Return the images to remove so that `wanted` bytes come free, or all that may go if they are not enough."""
    chosen, freed = [], 0
    for one in sorted(known.values(), key=lambda one: (one.used_at or 0.0, one.seen_at, one.image.id)):
        if freed >= wanted:
            break
        if _is_idle(one, now) and now - one.seen_at >= policy.min_age:
            chosen.append(one.image)
            freed += one.image.size
    return chosen


def too_old(known: Catalogue, policy: ImagePolicy, since: float, now: float) -> Sequence[Image]:
    """Return what was not used for the maximum age; `since` is when we began to look, before which nothing is known."""
    if not policy.max_age or now - since <= policy.max_age:
        return []
    return [
        one.image
        for one in known.values()
        if _is_idle(one, now)
        and now - one.seen_at >= policy.min_age
        and now - (one.seen_at if one.used_at is None else one.used_at) > policy.max_age
    ]


def _is_idle(one: Known, now: float) -> bool:
    return not one.image.pinned and (one.used_at is None or one.used_at < now)


def excess(policy: ImagePolicy, disk: Left) -> int:
    """Return how many bytes are to come free: none unless the high mark is reached, then down to the low one."""
    used = 100 - disk.available * 100 // disk.capacity if disk.capacity else 0
    if policy.high >= 100 or used < policy.high:
        return 0
    return max(0, disk.capacity * (100 - policy.low) // 100 - disk.available)


def named_by(pods: Iterable[Pod]) -> set[str]:
    """Return the images that pods name, in containers or volumes: what was just pulled has no container yet."""
    found: set[str] = set()
    for pod in pods:
        spec = pod.spec
        found |= {one.image for one in [*spec.containers, *spec.init_containers]}
        found |= {one.image for one in spec.ephemeral_containers}
        found |= {volume.image.reference for volume in spec.volumes if volume.image}
    return found
