"""Kinds that differ from the common strategy by a line or two."""

from __future__ import annotations

from typing import Any, ClassVar

from controlplane.api.codec import Document
from controlplane.apiserver.strategies.base import Caller, Strategy, keep


class CreateOnUpdateStrategy(Strategy):
    """Events, limit ranges and RBAC objects: a PUT may make them."""

    allow_create_on_update: ClassVar[bool] = True


class CarefulCreateOnUpdateStrategy(CreateOnUpdateStrategy):
    """Leases and RuntimeClasses: a PUT may make one, but changing it needs the version that was read.

    Of a lease, two holders must not both win.
    """

    allow_unconditional_update: ClassVar[bool] = False


class SpecStrategy(Strategy):
    """Kinds that count the changes of their spec."""

    has_generation: ClassVar[bool] = True


class CarefulStrategy(Strategy):
    """Kinds that are only replaced by who has read them."""

    allow_unconditional_update: ClassVar[bool] = False


class CarefulSpecStrategy(SpecStrategy):
    """Kinds that count the changes of their spec and are only replaced by who has read them.

    Of a disruption budget, evictions count in the status.
    """

    allow_unconditional_update: ClassVar[bool] = False


class WebhooksStrategy(CarefulSpecStrategy):
    """Configurations of webhooks, of which the webhooks are all there is."""

    def wanted(self, document: Document) -> Any:
        return document.get("webhooks")


class CSINodeStrategy(CarefulStrategy):
    """What a node says of its CSI drivers; their health is not reported yet (a feature that is off)."""

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        document.pop("status", None)

    def prepare_update(self, new: Document, old: Document) -> None:
        super().prepare_update(new, old)
        keep(new, old, "status")


class PodTemplateStrategy(SpecStrategy):
    """Pod templates, whose `template` is what is wanted."""

    def wanted(self, document: Document) -> Any:
        return document.get("template")


class PriorityClassStrategy(Strategy):
    """Nothing of a class that pods depend on can change, so it stays at its first generation."""

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        document.setdefault("metadata", {})["generation"] = 1


class VolumeStrategy(Strategy):
    """PersistentVolumes and claims start Pending."""

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        document["status"] = {"phase": "Pending"}


class ServiceAccountStrategy(Strategy):
    """An account's secrets are references by name; anything else said of them is dropped."""

    allow_unconditional_update: ClassVar[bool] = False

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        _names_only(document)

    def prepare_update(self, new: Document, old: Document) -> None:
        super().prepare_update(new, old)
        _names_only(new)


def _names_only(account: Document) -> None:
    if account.get("secrets"):
        account["secrets"] = [{"name": one.get("name", "")} for one in account["secrets"]]
