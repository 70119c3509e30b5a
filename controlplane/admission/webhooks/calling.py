"""Asking one webhook: what its answer, or its silence, means for the request."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from msgspec.structs import replace

from controlplane.admission.interface import Attributes
from controlplane.admission.outside import CallFailed, Outside
from controlplane.admission.requests import Versioned
from controlplane.admission.webhooks.configurations import Hook
from controlplane.admission.webhooks.review import (
    InvalidReview,
    UnsupportedPatch,
    Verdict,
    question,
    verdict,
    version_for,
)
from controlplane.api.admissionregistration_v1 import WebhookClientConfig
from controlplane.api.meta_v1 import Status, StatusCause, StatusDetails
from controlplane.api.status import BadRequest, InternalError, StatusError, from_status
from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

_HARMLESS = ("None", "NoneOnDryRun")


class HookFailed(Exception):
    """A webhook that gave no verdict: its failure policy decides. `code` is for metrics."""

    def __init__(self, why: str, code: int):
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks webhooks, and keeps the books about it."""

    outside: Outside
    clock: Clock
    step: str  # "admit" or "validating": upstream's label
    mutating: bool

    async def ask(self, hook: Hook, versioned: Versioned) -> Verdict | None:
        """Return an allowing verdict; None: the webhook failed and may be ignored. Raises StatusError to refuse."""
        attributes, metrics = versioned.attributes, self.outside.metrics
        operation = attributes.operation
        began = self.clock.monotonic()

        def measured(rejected: bool, code: int) -> None:
            metrics.webhook(hook.name, self.step, operation, rejected, code, self.clock.monotonic() - began)

        try:
            answer = await self._verdict(hook, versioned)
        except HookFailed as error:
            if hook.fails_open:
                measured(False, error.code)
                metrics.failed_open(hook.name, self.step)
                _log.warning("failed calling webhook, failing open %s: %s", hook.name, error)
                return None
            metrics.rejection(hook.name, self.step, operation, "calling_webhook_error", error.code)
            measured(True, error.code)
            _log.warning("failed calling webhook, failing closed %s: %s", hook.name, error)
            raise _internal(f'failed calling webhook "{hook.name}": {error}') from error
        except StatusError:
            metrics.rejection(hook.name, self.step, operation, "apiserver_internal_error", 0)
            measured(True, 0)
            raise
        _note(hook, answer, attributes)
        if not answer.allowed:
            refusal = refusal_of(hook.name, answer.status)
            code = refusal.to_status().code or 400
            metrics.rejection(hook.name, self.step, operation, "no_error", code)
            measured(True, code)
            raise refusal
        measured(False, 200)
        return answer

    async def _verdict(self, hook: Hook, versioned: Versioned) -> Verdict:
        webhook = hook.webhook
        if versioned.attributes.dry_run and webhook.side_effects not in _HARMLESS:
            raise BadRequest(f'admission webhook "{hook.name}" does not support dry run')
        version = version_for(webhook.admission_review_versions)
        if not version:
            raise HookFailed(
                "could not create admission objects: webhook does not accept known AdmissionReview versions "
                "(v1, v1beta1)",
                400,
            )
        uid = self.outside.new_uid()
        body = question(versioned, uid, version)
        try:
            answer = await self.outside.webhooks.call(
                webhook.client_config or WebhookClientConfig(), body, float(hook.timeout)
            )
        except CallFailed as error:
            raise HookFailed(f"failed to call webhook: {error}", 503) from error
        try:
            return verdict(answer, uid, version, mutating=self.mutating)
        except InvalidReview as error:
            raise HookFailed(f"received invalid webhook response: {error}", 503) from error
        except UnsupportedPatch as error:
            raise HookFailed(str(error), 503) from error


def _note(hook: Hook, answer: Verdict, attributes: Attributes) -> None:
    attributes.warnings += answer.warnings
    for key, value in answer.annotations.items():
        attributes.annotations[f"{hook.name}/{key}"] = value


def _internal(why: str) -> InternalError:
    causes = [StatusCause(message=why)]
    return InternalError(f"Internal error occurred: {why}", details=StatusDetails(causes=causes))


def refusal_of(name: str, status: Status) -> StatusError:
    """Return the error of a request that a webhook denied, never below 400 whatever it says."""
    denied = f'admission webhook "{name}" denied the request'
    why = status.message or status.reason
    code = status.code or 0
    said = replace(
        status,
        api_version="v1",
        kind="Status",
        status="Failure" if status.status in ("", "Success") else status.status,
        message=f"{denied}: {why}" if why else f"{denied} without explanation",
        code=code if code >= 400 else 400,
    )
    return from_status(said)


async def all_of(asker: Asker, calls: list[tuple[Hook, Versioned]]) -> list[int]:
    """Ask several webhooks at once; return the places of those that failed and may be ignored.

    Raises the refusal of the first of them that refused, in their order.
    """
    answers = await asyncio.gather(*(asker.ask(*call) for call in calls), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [index for index, answer in enumerate(answers) if answer is None]
