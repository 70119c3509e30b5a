"""kubectl get webhook configurations, admission policies, flow schemas, priority levels, API services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from controlplane.api.admissionregistration_v1 import ParamKind, ParamRef
from controlplane.api.apiregistration_v1 import APIService
from controlplane.api.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer
from controlplane.apiserver.tables.texts import NONE, UNSET, age


def _webhooks(item: Any, now: datetime) -> list[Cell]:
    return [item.metadata.name, len(item.webhooks), age(item.metadata.creation_timestamp, now)]


def _param_kind(kind: ParamKind | None) -> str:
    return UNSET if kind is None else f"{kind.api_version}/{kind.kind}"


def _policy(rules: str) -> Callable[[Any, datetime], list[Cell]]:
    """Return the cells of policies whose rules are called so."""

    def cells(item: Any, now: datetime) -> list[Cell]:
        count = len(getattr(item.spec, rules))
        kind = _param_kind(item.spec.param_kind)
        return [item.metadata.name, count, kind, age(item.metadata.creation_timestamp, now)]

    return cells


def _binding(item: Any, now: datetime) -> list[Cell]:
    ref = _param_ref(item.spec.param_ref)
    return [item.metadata.name, item.spec.policy_name, ref, age(item.metadata.creation_timestamp, now)]


def _param_ref(ref: ParamRef | None) -> str:
    if ref is None:
        return UNSET
    return f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name


def _flow_schema(item: FlowSchema, now: datetime) -> list[Cell]:
    spec, method = item.spec, item.spec.distinguisher_method
    dangling = [condition.status for condition in item.status.conditions if condition.type == "Dangling"]
    return [
        item.metadata.name,
        spec.priority_level_configuration.name if spec.priority_level_configuration else "",
        spec.matching_precedence or 0,
        method.type if method else NONE,
        age(item.metadata.creation_timestamp, now),
        dangling[0] if dangling else "?",
    ]


def _priority_level(item: PriorityLevelConfiguration, now: datetime) -> list[Cell]:
    limited = item.spec.limited
    queuing = limited.limit_response.queuing if limited and limited.limit_response else None
    cells: list[Cell] = [NONE, NONE, NONE, NONE]
    if limited is not None:
        cells[0] = limited.nominal_concurrency_shares or 0
    if queuing is not None:
        cells[1:] = [queuing.queues or 0, queuing.hand_size or 0, queuing.queue_length_limit or 0]
    return [item.metadata.name, item.spec.type, *cells, age(item.metadata.creation_timestamp, now)]


def _api_service(item: APIService, now: datetime) -> list[Cell]:
    service = item.spec.service
    where = f"{service.namespace}/{service.name}" if service else "Local"
    return [item.metadata.name, where, _available(item), age(item.metadata.creation_timestamp, now)]


def _available(item: APIService) -> str:
    condition = next((one for one in item.status.conditions if one.type == "Available"), None)
    if condition is None:
        return "Unknown"
    if condition.status == "True" or not condition.reason:
        return condition.status
    return f"{condition.status} ({condition.reason})"


WEBHOOKS = Printer((NAME, Column("Webhooks", "integer"), AGE), _webhooks)
VALIDATING_POLICY = Printer((NAME, Column("Validations", "integer"), Column("ParamKind"), AGE), _policy("validations"))
MUTATING_POLICY = Printer((NAME, Column("Mutations", "integer"), Column("ParamKind"), AGE), _policy("mutations"))
POLICY_BINDING = Printer((NAME, Column("PolicyName"), Column("ParamRef"), AGE), _binding)
FLOW_SCHEMA = Printer(
    (
        NAME,
        Column("PriorityLevel"),
        Column("MatchingPrecedence"),
        Column("DistinguisherMethod"),
        AGE,
        Column("MissingPL"),
    ),
    _flow_schema,
)
PRIORITY_LEVEL = Printer(
    (
        NAME,
        Column("Type"),
        Column("NominalConcurrencyShares"),
        Column("Queues"),
        Column("HandSize"),
        Column("QueueLengthLimit"),
        AGE,
    ),
    _priority_level,
)
API_SERVICE = Printer((NAME, Column("Service"), Column("Available"), AGE), _api_service)
