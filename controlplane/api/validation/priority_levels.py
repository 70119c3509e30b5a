"""Priority levels: how many requests may run at once, and what becomes of those that must wait."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from controlplane.api.flowcontrol_v1 import (
    ExemptPriorityLevelConfiguration,
    LimitedPriorityLevelConfiguration,
    LimitResponse,
    PriorityLevelConfiguration,
    PriorityLevelConfigurationSpec,
    QueuingConfiguration,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import forbidden, invalid, not_supported, required
from controlplane.api.validation.flow_schemas import CATCH_ALL, EXEMPT, validate_condition_types

_MOST_QUEUES = 10_000_000
_HASH_BITS = 60  # of the hash that a flow's queues are dealt from

FIXED_LEVELS: Mapping[str, PriorityLevelConfigurationSpec] = {
    EXEMPT: PriorityLevelConfigurationSpec(
        type="Exempt", exempt=ExemptPriorityLevelConfiguration(nominal_concurrency_shares=0, lendable_percent=0)
    ),
    CATCH_ALL: PriorityLevelConfigurationSpec(
        type="Limited",
        limited=LimitedPriorityLevelConfiguration(
            nominal_concurrency_shares=5, lendable_percent=0, limit_response=LimitResponse(type="Reject")
        ),
    ),
}


def validate_priority_level(level: PriorityLevelConfiguration) -> list[FieldError]:
    name, spec = level.metadata.name, level.spec
    errors = list(_validate_level_spec(spec, name))
    fixed = FIXED_LEVELS.get(name)
    if fixed is not None and replace(spec, exempt=fixed.exempt) != fixed:
        part = " except the 'spec.exempt' field" if name == EXEMPT else ""
        errors.append(invalid("spec", spec, f"spec of '{name}'{part} must equal the fixed value"))
    return errors + validate_condition_types([one.type for one in level.status.conditions])


def validate_priority_level_status(
    new: PriorityLevelConfiguration, old: PriorityLevelConfiguration
) -> list[FieldError]:
    return validate_condition_types([one.type for one in new.status.conditions])


def _validate_level_spec(spec: PriorityLevelConfigurationSpec, name: str) -> Iterator[FieldError]:
    if (name == EXEMPT) != (spec.type == "Exempt"):
        yield invalid("spec.type", spec.type, "type must be 'Exempt' if and only if name is 'exempt'")
    if spec.type == "Exempt":
        if spec.limited is not None:
            yield forbidden("spec.limited", "must be nil if the type is not Limited")
        if spec.exempt is not None:
            yield from _validate_shares(spec.exempt, "spec.exempt")
    elif spec.type == "Limited":
        if spec.exempt is not None:
            yield forbidden("spec.exempt", "must be nil if the type is Limited")
        if spec.limited is None:
            yield required("spec.limited", "must not be empty when type is Limited")
        else:
            yield from _validate_limited(spec.limited, "spec.limited")
    else:
        yield not_supported("spec.type", spec.type, ("Exempt", "Limited"))


def _validate_shares(
    level: ExemptPriorityLevelConfiguration | LimitedPriorityLevelConfiguration, path: str
) -> Iterator[FieldError]:
    shares, lendable = level.nominal_concurrency_shares or 0, level.lendable_percent or 0
    if shares < 0:
        yield invalid(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")
    if not 0 <= lendable <= 100:
        yield invalid(f"{path}.lendablePercent", lendable, "must be between 0 and 100, inclusive")


def _validate_limited(limited: LimitedPriorityLevelConfiguration, path: str) -> Iterator[FieldError]:
    yield from _validate_shares(limited, path)
    borrowing = limited.borrowing_limit_percent
    if borrowing is not None and borrowing < 0:
        why = "if specified, must be a non-negative integer"
        yield invalid(f"{path}.borrowingLimitPercent", borrowing, why)
    response, at = limited.limit_response or LimitResponse(), f"{path}.limitResponse"
    if response.type == "Reject":
        if response.queuing is not None:
            yield forbidden(f"{at}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif response.type == "Queue":
        if response.queuing is None:
            yield required(f"{at}.queuing", "must not be empty if limited.limitResponse.type is Limited")
        else:
            yield from _validate_queuing(response.queuing, f"{at}.queuing")
    else:
        yield not_supported(f"{at}.type", response.type, ("Queue", "Reject"))


def _validate_queuing(queuing: QueuingConfiguration, path: str) -> Iterator[FieldError]:
    length, queues, hand = queuing.queue_length_limit or 0, queuing.queues or 0, queuing.hand_size or 0
    if length <= 0:
        yield invalid(f"{path}.queueLengthLimit", length, "must be positive")
    if queues <= 0:
        yield invalid(f"{path}.queues", queues, "must be positive")
    elif queues > _MOST_QUEUES:
        yield invalid(f"{path}.queues", queues, f"must not be greater than {_MOST_QUEUES}")
    if hand <= 0:
        yield invalid(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        yield invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif math.ceil(math.log2(queues) * hand) > _HASH_BITS:
        why = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {_HASH_BITS}"
        yield invalid(f"{path}.handSize", hand, why)
