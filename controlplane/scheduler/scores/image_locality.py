"""Prefer nodes that already have the pod's large images, the more so the more nodes have them."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.scheduler.scores import MAX
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME, WEIGHT = "ImageLocality", 1

# Below 23 MB an image is pulled in no time, above 1,000 MB (for each container) it counts in full.
_SMALL, _LARGE = 23 * 1024 * 1024, 1000 * 1024 * 1024


def score(pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
    images = [_with_tag(container.image) for container in (*pod.pod.spec.init_containers, *pod.pod.spec.containers)]
    present = [sum(node.images.get(image, 0) for image in images) for node in nodes]
    if max(present, default=0) <= _SMALL:
        return None
    total = len(snapshot.nodes)
    spread = {image: sum(image in node.images for node in snapshot.nodes) / total for image in set(images)}
    sums = [sum(int(node.images.get(image, 0) * spread[image]) for image in images) for node in nodes]
    ceiling = _LARGE * max(1, len(images))
    return [MAX * (min(max(one, _SMALL), ceiling) - _SMALL) // (ceiling - _SMALL) for one in sums]


def _with_tag(image: str) -> str:
    """nginx is what nodes report as docker.io/library/nginx:latest; only the tag is made up here, as upstream does."""
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"
