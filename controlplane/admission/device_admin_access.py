"""Who may look into devices that others use: only claims of namespaces that are marked for it.

Upstream has this rule in the kinds' storage, so no flag turns it off.
"""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document
from controlplane.api.core_v1 import Namespace
from controlplane.api.reader import ObjectReader
from controlplane.api.status import invalid
from controlplane.api.validation.errors import forbidden

GROUP = "resource.k8s.io"
LABEL = "resource.kubernetes.io/admin-access"
_WHY = f"admin access to devices requires the `{LABEL}: true` label on the containing namespace"


class DeviceAdminAccess(Plugin):
    """Looks at new claims and templates, and at allocations that give such access."""

    name = "DeviceAdminAccess"
    looks_at = frozenset({"resourceclaims.resource.k8s.io", "resourceclaimtemplates.resource.k8s.io"})

    def __init__(self, reader: ObjectReader):
        self._reader = reader

    async def validate(self, attributes: Attributes) -> None:
        paths = list(_asked(attributes))
        if not paths:
            return
        namespace = self._reader.get(Namespace, "", attributes.namespace)
        if namespace is None or namespace.metadata.labels.get(LABEL) != "true":
            raise invalid(attributes.resource, attributes.name, [forbidden(path, _WHY) for path in paths])


def _asked(attributes: Attributes) -> Iterator[str]:
    """Yield the paths at which access is asked for that the stored object does not have."""
    document, old = attributes.document or {}, attributes.old or {}
    spec = document.get("spec") or {}
    if attributes.is_for("resourceclaims", Operation.CREATE, group=GROUP):
        yield from _of_requests(spec, "spec")
    elif attributes.is_for("resourceclaimtemplates", Operation.CREATE, group=GROUP):
        yield from _of_requests(spec.get("spec") or {}, "spec.spec")
    elif attributes.is_for("resourceclaims", Operation.UPDATE, group=GROUP, subresource="status"):
        had = _results(old)
        for index, result in enumerate(_results(document)):
            if result.get("adminAccess") and result not in had:
                yield f"status.allocation.devices.results[{index}].adminAccess"


def _of_requests(spec: Document, path: str) -> Iterator[str]:
    for index, request in enumerate((spec.get("devices") or {}).get("requests") or ()):
        if (request.get("exactly") or {}).get("adminAccess"):
            yield f"{path}.devices.requests[{index}].exactly.adminAccess"


def _results(claim: Document) -> list[Document]:
    allocation = (claim.get("status") or {}).get("allocation") or {}
    return (allocation.get("devices") or {}).get("results") or []
