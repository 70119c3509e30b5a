"""PodNodeSelector: a namespace's pods run on the nodes that its administrator chose.

metadata.annotations["scheduler.alpha.kubernetes.io/node-selector"]   what pods of the namespace get
clusterDefaultNodeSelector                                            what they get without that
<namespace>                                                           all that they may ask for at most
"""

from __future__ import annotations

from collections.abc import Mapping

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document
from controlplane.api.core_v1 import Namespace
from controlplane.api.reader import ObjectReader
from controlplane.api.status import InternalError

_ANNOTATION = "scheduler.alpha.kubernetes.io/node-selector"
_DEFAULT = "clusterDefaultNodeSelector"


class PodNodeSelector(Plugin):
    """Merges the namespace's selector into a new pod's, and refuses one that contradicts it."""

    name = "PodNodeSelector"
    looks_at = frozenset({"pods"})

    def __init__(self, reader: ObjectReader, selectors: Mapping[str, str]):
        self._reader = reader
        self._selectors = {namespace: parse_selector(text) for namespace, text in selectors.items()}

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE):
            return
        wanted = self._of(attributes.namespace)
        spec: Document = pod.setdefault("spec", {})
        self._check(attributes, wanted, spec.get("nodeSelector") or {})
        if wanted:
            spec["nodeSelector"] = {**wanted, **(spec.get("nodeSelector") or {})}

    async def validate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE):
            return
        selector = (pod.get("spec") or {}).get("nodeSelector") or {}
        self._check(attributes, self._of(attributes.namespace), selector)
        allowed = self._selectors.get(attributes.namespace)
        if allowed and not selector.items() <= allowed.items():
            raise attributes.forbidden("pod node label selector labels conflict with its namespace whitelist")

    def _check(self, attributes: Attributes, wanted: Mapping[str, str], selector: Mapping[str, str]) -> None:
        if any(selector.get(key, value) != value for key, value in wanted.items()):
            raise attributes.forbidden("pod node label selector conflicts with its namespace node label selector")

    def _of(self, name: str) -> Mapping[str, str]:
        namespace = self._reader.get(Namespace, "", name)
        text = namespace.metadata.annotations.get(_ANNOTATION) if namespace is not None else None
        if text is None:
            return self._selectors.get(_DEFAULT) or {}
        try:
            return parse_selector(text)
        except ValueError as error:
            raise InternalError(f"Internal error occurred: {error}") from error


def parse_selector(text: str) -> dict[str, str]:
    """Return what "zone=a,disk=ssd" asks for. Raises ValueError."""
    wanted: dict[str, str] = {}
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        if not equals or "=" in value:
            raise ValueError(f"invalid selector: {part}")
        wanted[key.strip()] = value.strip()
    return wanted
