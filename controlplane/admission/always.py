"""AlwaysAdmit and AlwaysDeny: plug-ins that ask nothing, for tests of whoever asks them."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Plugin


class AlwaysAdmit(Plugin):
    """Does nothing, and is only here to be named."""

    name = "AlwaysAdmit"


class AlwaysDeny(Plugin):
    """Refuses every change."""

    name = "AlwaysDeny"

    async def mutate(self, attributes: Attributes) -> None:
        await self.validate(attributes)

    async def validate(self, attributes: Attributes) -> None:
        raise attributes.forbidden("admission control is denying all modifications")
