"""AlwaysPullImages: no pod gets an image that its credentials could not pull, just because the node has it already."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


class AlwaysPullImages(Plugin):
    """Sets the pull policy of every container and image volume to Always."""

    name = "AlwaysPullImages"
    looks_at = frozenset({"pods"})

    async def mutate(self, attributes: Attributes) -> None:
        if _ignores(attributes):
            return
        spec = (attributes.document or {}).get("spec") or {}
        for _, container in _containers(spec):
            container["imagePullPolicy"] = "Always"
        for _, image in _image_volumes(spec):
            image["pullPolicy"] = "Always"

    async def validate(self, attributes: Attributes) -> None:
        if _ignores(attributes):
            return
        spec = (attributes.document or {}).get("spec") or {}
        found = [(f"{at}.imagePullPolicy", one.get("imagePullPolicy")) for at, one in _containers(spec)]
        found += [(f"{at}.pullPolicy", one.get("pullPolicy")) for at, one in _image_volumes(spec)]
        for at, policy in found:
            if policy != "Always":
                raise attributes.forbidden(f'{at}: Unsupported value: "{policy or ""}": supported values: "Always"')


def _ignores(attributes: Attributes) -> bool:
    if not attributes.is_for("pods", Operation.CREATE, Operation.UPDATE) or attributes.document is None:
        return True
    if attributes.operation is Operation.CREATE or attributes.old is None:
        return False
    # An update that brings no new image need not change policies that were fine when the pod was made.
    return _images(attributes.document) <= _images(attributes.old)


def _images(pod: Document) -> set[str]:
    return {container.get("image") or "" for _, container in _containers(pod.get("spec") or {})}


def _containers(spec: Document) -> Iterator[tuple[str, Document]]:
    for field in _CONTAINERS:
        for index, container in enumerate(spec.get(field) or ()):
            yield f"spec.{field}[{index}]", container


def _image_volumes(spec: Document) -> Iterator[tuple[str, Document]]:
    for index, volume in enumerate(spec.get("volumes") or ()):
        if volume.get("image"):
            yield f"spec.volumes[{index}].image", volume["image"]
