"""ValidatingAdmissionWebhook: webhooks that may refuse an object, all asked at once."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Plugin
from controlplane.admission.outside import Outside
from controlplane.admission.webhooks.calling import Asker, all_of
from controlplane.admission.webhooks.configurations import Hooks
from controlplane.admission.webhooks.matching import matched
from controlplane.api.admissionregistration_v1 import ValidatingWebhookConfiguration
from controlplane.api.reader import ObjectReader
from controlplane.kit.clock import Clock


class ValidatingWebhooks(Plugin):
    """Asks every webhook that a request is for; one refusal is enough."""

    name = "ValidatingAdmissionWebhook"

    def __init__(self, reader: ObjectReader, outside: Outside, clock: Clock):
        self._reader, self._outside, self._clock = reader, outside, clock
        self._hooks = Hooks(reader, ValidatingWebhookConfiguration)
        self._asker = Asker(outside, clock, "validating", mutating=False)

    async def validate(self, attributes: Attributes) -> None:
        hooks = self._hooks.now()
        if not hooks or not self._outside.concerns(attributes):
            return
        calls = []
        for hook in hooks:
            versioned = await matched(hook, attributes, self._reader, self._outside, self._clock, "validating")
            if versioned is not None:
                calls.append((hook, versioned))
        if not calls:
            return
        for index in await all_of(self._asker, calls):
            key = f"failed-open.validating.webhook.admission.k8s.io/round_0_index_{index}"
            attributes.annotations[key] = calls[index][0].name
