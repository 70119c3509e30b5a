"""DenyServiceExternalIPs: no Service takes traffic for addresses that are not the cluster's to give (CVE-2020-8554)."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.codec import Document


class DenyServiceExternalIPs(Plugin):
    """Refuses new external addresses; those that a Service has it may keep."""

    name = "DenyServiceExternalIPs"
    looks_at = frozenset({"services"})

    async def validate(self, attributes: Attributes) -> None:
        if attributes.document is None or not attributes.is_for("services", Operation.CREATE, Operation.UPDATE):
            return
        if not _addresses(attributes.document) <= _addresses(attributes.old or {}):
            raise attributes.forbidden("Use of external IPs is denied by admission control")


def _addresses(service: Document) -> set[str]:
    return set((service.get("spec") or {}).get("externalIPs") or ())
