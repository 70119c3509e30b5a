"""MutatingAdmissionWebhook: webhooks that may change an object, one after another."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from controlplane.admission.interface import Attributes, Plugin
from controlplane.admission.outside import Outside
from controlplane.admission.requests import Versioned
from controlplane.admission.webhooks.calling import Asker
from controlplane.admission.webhooks.configurations import Hook, Hooks
from controlplane.admission.webhooks.matching import matched
from controlplane.api.admissionregistration_v1 import MutatingWebhookConfiguration
from controlplane.api.codec import Document
from controlplane.api.reader import ObjectReader
from controlplane.api.status import InternalError, StatusError
from controlplane.kit.clock import Clock


class MutatingWebhooks(Plugin):
    """Asks each webhook in turn and applies its patch before the next is asked.

    A webhook with reinvocationPolicy IfNeeded is asked again when something has changed the object after it: another
    webhook, or a plug-in in the second round.
    """

    name = "MutatingAdmissionWebhook"

    def __init__(self, reader: ObjectReader, outside: Outside, clock: Clock):
        self._reader, self._outside, self._clock = reader, outside, clock
        self._hooks = Hooks(reader, MutatingWebhookConfiguration)
        self._asker = Asker(outside, clock, "admit", mutating=True)

    async def mutate(self, attributes: Attributes) -> None:
        hooks = self._hooks.now()
        if not hooks or not self._outside.concerns(attributes):
            return
        memory = attributes.rounds.kept.setdefault(self.name, _Memory())
        if attributes.rounds.second and memory.last != attributes.document:
            memory.require()
        for index, hook in enumerate(hooks):
            await self._one(index, hook, attributes, memory)
        memory.last = copy.deepcopy(attributes.document)

    async def _one(self, index: int, hook: Hook, attributes: Attributes, memory: _Memory) -> None:
        versioned = await matched(hook, attributes, self._reader, self._outside, self._clock, "admit")
        if versioned is None or (attributes.rounds.second and hook.uid not in memory.required):
            return
        place = f"round_{int(attributes.rounds.second)}_index_{index}"
        answer = await self._asker.ask(hook, versioned)
        changed = False
        if answer is None:
            attributes.annotations[f"failed-open.mutation.webhook.admission.k8s.io/{place}"] = hook.name
        elif answer.patch is not None:
            changed = await self._apply(hook, versioned, answer.patch)
            _annotate(attributes, f"patch.webhook.admission.k8s.io/{place}", hook, patch=answer.patch,
                      patchType="JSONPatch")  # fmt: skip
        _annotate(attributes, f"mutation.webhook.admission.k8s.io/{place}", hook, mutated=changed)
        if changed:
            memory.require()
            attributes.rounds.again = True
        if hook.reinvocable:
            memory.reinvocable.add(hook.uid)

    async def _apply(self, hook: Hook, versioned: Versioned, patch: Any) -> bool:
        """Change the object; return whether that made a difference. Raises StatusError."""
        attributes, document = versioned.attributes, versioned.document
        if document is None:
            why = f'admission webhook "{hook.name}" attempted to modify the object, which is not supported'
            raise InternalError(f"Internal error occurred: {why} for this operation")
        try:
            patched: Document = self._outside.served.patch(document, patch)
            if versioned.resource is not attributes.resource:
                patched = await self._outside.served.convert(patched, attributes.resource)
            before = copy.deepcopy(attributes.document)
            attributes.replace(patched)
        except InternalError:
            raise
        except StatusError as error:
            raise InternalError(f"Internal error occurred: {error.message}") from error
        return before != attributes.document


class _Memory:
    """What is remembered between the two rounds of one request."""

    def __init__(self) -> None:
        self.reinvocable: set[str] = set()  # asked already, and willing to be asked again
        self.required: set[str] = set()  # of those, the ones after which something changed
        self.last: Document | None = None

    def require(self) -> None:
        self.required |= self.reinvocable
        self.reinvocable.clear()


def _annotate(attributes: Attributes, key: str, hook: Hook, **more: Any) -> None:
    said = {"configuration": hook.configuration, "webhook": hook.name, **more}
    attributes.annotations[key] = msgspec.json.encode(said).decode()
