"""Whether a request is for a webhook, and as which resource it is shown."""

from __future__ import annotations

import logging

from controlplane.admission.interface import Attributes
from controlplane.admission.outside import Outside
from controlplane.admission.requests import Versioned, versioned_as
from controlplane.admission.selection import matching
from controlplane.admission.webhooks.configurations import Hook
from controlplane.api.reader import ObjectReader
from controlplane.api.status import StatusError
from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)


async def matched(
    hook: Hook, attributes: Attributes, reader: ObjectReader, outside: Outside, clock: Clock, step: str
) -> Versioned | None:
    """Return the request as the webhook is to see it; None: it is not for this webhook. Raises StatusError."""
    refused: StatusError | None = None
    try:
        if not hook.selectors.match(attributes, reader):
            return None
    except StatusError as error:  # the namespace is missing; only matters to a webhook that the request is for
        refused = error
    webhook = hook.webhook
    equivalents = () if webhook.match_policy == "Exact" else outside.served.equivalents(attributes.resource)
    resource = matching(webhook.rules, attributes, equivalents, webhook.match_policy)
    if resource is None:
        return None
    if refused is not None:
        raise refused
    versioned = await versioned_as(attributes, resource, outside.served)
    return versioned if await _conditions_hold(hook, versioned, reader, outside, clock, step) else None


async def _conditions_hold(
    hook: Hook, versioned: Versioned, reader: ObjectReader, outside: Outside, clock: Clock, step: str
) -> bool:
    conditions = hook.conditions
    if conditions is None:
        return True
    from controlplane.admission.conditions import ConditionsFailed
    from controlplane.admission.expressions import bindings_of, settled

    attributes, metrics = versioned.attributes, outside.metrics
    began = clock.monotonic()
    try:
        holds = await settled(attributes, lambda: conditions.match(bindings_of(versioned, reader, outside.ask)))
    except ConditionsFailed as error:
        metrics.condition_failed(hook.name, "webhook", step, attributes.operation)
        if hook.fails_open:
            return False
        _log.warning("match conditions of webhook %s failed: %s", hook.name, error)
        raise attributes.forbidden(str(error)) from error
    finally:
        metrics.conditions(hook.name, "webhook", step, attributes.operation, clock.monotonic() - began)
    if not holds:
        metrics.excluded(hook.name, "webhook", step, attributes.operation)
    return holds
