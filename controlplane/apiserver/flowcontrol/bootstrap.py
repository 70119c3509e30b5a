"""The FlowSchemas and priority levels that every cluster has, with upstream's v1.37 values, and how they are kept.

Mandatory ones are always as they are here. Suggested ones are made if they are missing, and brought up to date while
their annotation apf.kubernetes.io/autoupdate-spec says so; `false` hands them over to whoever runs the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

from msgspec.structs import replace

from controlplane.api.flowcontrol_v1 import (
    FlowDistinguisherMethod,
    FlowSchema,
    FlowSchemaSpec,
    GroupSubject,
    LimitedPriorityLevelConfiguration,
    LimitResponse,
    NonResourcePolicyRule,
    PolicyRulesWithSubjects,
    PriorityLevelConfiguration,
    PriorityLevelConfigurationReference,
    PriorityLevelConfigurationSpec,
    QueuingConfiguration,
    ResourcePolicyRule,
    ServiceAccountSubject,
    Subject,
    UserSubject,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.validation.flow_schemas import CATCH_ALL, EXEMPT, FIXED_SCHEMAS
from controlplane.api.validation.priority_levels import FIXED_LEVELS
from controlplane.apiserver.flowcontrol.rules import BY_NAMESPACE, BY_USER
from controlplane.auth.interface import ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, NODES

Configuration: TypeAlias = FlowSchema | PriorityLevelConfiguration
C = TypeVar("C", FlowSchema, PriorityLevelConfiguration)

AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"

_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")  # as Go reads them
_EVERYBODY = (ALL_UNAUTHENTICATED, ALL_AUTHENTICATED)


def kept(existing: C, expected: C, *, mandatory: bool) -> C | None:
    """Return what an existing object must become, or None if it is as it should be."""
    updates = mandatory or _updates(existing)
    wanted = "true" if updates else "false"
    spec = _settled(expected.spec, existing.spec) if updates else existing.spec
    annotations = existing.metadata.annotations
    if spec == existing.spec and _boolean(annotations.get(AUTO_UPDATE)) is updates:
        return None
    metadata = replace(existing.metadata, annotations={**annotations, AUTO_UPDATE: wanted})
    return replace(existing, metadata=metadata, spec=spec)


def _settled(expected: Any, existing: Any) -> Any:
    """Return the spec that an object is to have; how many seats exempt requests own and lend is for each cluster."""
    if isinstance(existing, PriorityLevelConfigurationSpec) and expected.exempt is not None:
        return replace(expected, exempt=existing.exempt or expected.exempt)
    return expected


def obsolete(existing: Iterable[Configuration], expected: Iterable[Configuration]) -> list[Configuration]:
    """Return the objects of an earlier release that nobody has taken over."""
    names = {one.metadata.name for one in expected}
    return [
        one
        for one in existing
        if one.metadata.name not in names and _boolean(one.metadata.annotations.get(AUTO_UPDATE)) is True
    ]


def _updates(existing: Configuration) -> bool:
    said = _boolean(existing.metadata.annotations.get(AUTO_UPDATE))
    return existing.metadata.generation == 1 if said is None else said  # nobody has changed the first generation


def _boolean(text: str | None) -> bool | None:
    return True if text in _TRUE else False if text in _FALSE else None


# --- priority levels


def _level(name: str, spec: PriorityLevelConfigurationSpec) -> PriorityLevelConfiguration:
    return PriorityLevelConfiguration(metadata=ObjectMeta(name=name, annotations={AUTO_UPDATE: "true"}), spec=spec)


def _queued(name: str, shares: int, lendable: int, queues: int, hand_size: int) -> PriorityLevelConfiguration:
    queuing = QueuingConfiguration(queues=queues, hand_size=hand_size, queue_length_limit=50)
    limited = LimitedPriorityLevelConfiguration(
        nominal_concurrency_shares=shares,
        lendable_percent=lendable,
        limit_response=LimitResponse(type="Queue", queuing=queuing),
    )
    return _level(name, PriorityLevelConfigurationSpec(type="Limited", limited=limited))


MANDATORY_LEVELS: Sequence[PriorityLevelConfiguration] = [_level(name, spec) for name, spec in FIXED_LEVELS.items()]
SUGGESTED_LEVELS: Sequence[PriorityLevelConfiguration] = (
    _queued("system", 30, 33, 64, 6),
    _queued("node-high", 40, 25, 64, 6),
    _queued("leader-election", 10, 0, 16, 4),
    _queued("workload-high", 40, 50, 128, 6),
    _queued("workload-low", 100, 90, 128, 6),
    _queued("global-default", 20, 50, 128, 6),
)

# --- FlowSchemas


def _schema(
    name: str,
    level: str,
    precedence: int,
    subjects: Sequence[Subject],
    *,
    by: str = "",
    resources: Sequence[ResourcePolicyRule] = (),
    paths: Sequence[NonResourcePolicyRule] = (),
) -> FlowSchema:
    rule = PolicyRulesWithSubjects(
        subjects=list(subjects), resource_rules=list(resources), non_resource_rules=list(paths)
    )
    return FlowSchema(
        metadata=ObjectMeta(name=name, annotations={AUTO_UPDATE: "true"}),
        spec=FlowSchemaSpec(
            priority_level_configuration=PriorityLevelConfigurationReference(name=level),
            matching_precedence=precedence,
            distinguisher_method=FlowDistinguisherMethod(type=by) if by else None,
            rules=[rule],
        ),
    )


def _groups(*names: str) -> list[Subject]:
    return [Subject(kind="Group", group=GroupSubject(name=name)) for name in names]


def _users(*names: str) -> list[Subject]:
    return [Subject(kind="User", user=UserSubject(name=name)) for name in names]


def _resources(
    groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str] = ("*",), *, cluster: bool | None = True
) -> ResourcePolicyRule:
    return ResourcePolicyRule(
        verbs=list(verbs),
        api_groups=list(groups),
        resources=list(resources),
        namespaces=["*"],
        cluster_scope=cluster,
    )


_ALL_RESOURCES = (_resources(["*"], ["*"]),)
_ALL_PATHS = (NonResourcePolicyRule(verbs=["*"], non_resource_urls=["*"]),)
_HEALTH = (NonResourcePolicyRule(verbs=["get"], non_resource_urls=["/healthz", "/readyz", "/livez"]),)
_KUBE_SYSTEM = [
    Subject(kind="ServiceAccount", service_account=ServiceAccountSubject(name="*", namespace="kube-system"))
]
_MANAGER, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
_COORDINATION = "coordination.k8s.io"


def _everything(name: str, level: str, precedence: int, subjects: Sequence[Subject], by: str = "") -> FlowSchema:
    return _schema(name, level, precedence, subjects, by=by, resources=_ALL_RESOURCES, paths=_ALL_PATHS)


MANDATORY_SCHEMAS: Sequence[FlowSchema] = [
    FlowSchema(metadata=ObjectMeta(name=name, annotations={AUTO_UPDATE: "true"}), spec=spec)
    for name, spec in FIXED_SCHEMAS.items()
]
CATCH_ALL_SCHEMA = next(one for one in MANDATORY_SCHEMAS if one.metadata.name == CATCH_ALL)
SUGGESTED_SCHEMAS: Sequence[FlowSchema] = (
    _schema("probes", EXEMPT, 2, _groups(*_EVERYBODY), paths=_HEALTH),
    _schema(
        "system-leader-election", "leader-election", 100, [*_users(_MANAGER, _SCHEDULER), *_KUBE_SYSTEM], by=BY_USER,
        resources=(_resources([_COORDINATION], ["leases"], ["get", "create", "update"], cluster=None),),
    ),
    _schema(
        "system-node-high", "node-high", 400, _groups(NODES), by=BY_USER,
        resources=(
            _resources([""], ["nodes", "nodes/status"]),
            _resources([_COORDINATION], ["leases"], cluster=None),
        ),
    ),
    _everything("system-nodes", "system", 500, _groups(NODES), BY_USER),
    _everything("kube-controller-manager", "workload-high", 800, _users(_MANAGER), BY_NAMESPACE),
    _everything("kube-scheduler", "workload-high", 800, _users(_SCHEDULER), BY_NAMESPACE),
    _everything("kube-system-service-accounts", "workload-high", 900, _KUBE_SYSTEM, BY_NAMESPACE),
    _everything("service-accounts", "workload-low", 9_000, _groups("system:serviceaccounts"), BY_USER),
    _everything("global-default", "global-default", 9_900, _groups(*_EVERYBODY), BY_USER),
)  # fmt: skip
