"""DefaultIngressClass: the class of an Ingress that names none, where one is marked as the default."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.networking_v1 import IngressClass
from controlplane.api.reader import ObjectReader

ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
_OLD_CLASS = "kubernetes.io/ingress.class"


class DefaultIngressClass(Plugin):
    """Of several defaults the newest counts, of equally new ones the first by name."""

    name = "DefaultIngressClass"
    looks_at = frozenset({"ingresses.networking.k8s.io"})

    def __init__(self, reader: ObjectReader):
        self._reader = reader

    async def mutate(self, attributes: Attributes) -> None:
        ingress = attributes.document
        if ingress is None or not attributes.is_for("ingresses", Operation.CREATE, group="networking.k8s.io"):
            return
        spec = ingress.setdefault("spec", {})
        if spec.get("ingressClassName") is not None or _OLD_CLASS in (ingress["metadata"].get("annotations") or {}):
            return
        defaults = [
            one for one in self._reader.list(IngressClass) if one.metadata.annotations.get(ANNOTATION) == "true"
        ]
        if defaults:
            by_name = sorted(defaults, key=lambda one: one.metadata.name)
            newest = max(by_name, key=lambda one: one.metadata.creation_timestamp or "")  # the first of equals
            spec["ingressClassName"] = newest.metadata.name
