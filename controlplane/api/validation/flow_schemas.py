"""Flow schemas: which requests belong together, and which priority level they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from controlplane.api import names
from controlplane.api.flowcontrol_v1 import (
    FlowDistinguisherMethod,
    FlowSchema,
    FlowSchemaSpec,
    GroupSubject,
    NonResourcePolicyRule,
    PolicyRulesWithSubjects,
    PriorityLevelConfigurationReference,
    ResourcePolicyRule,
    ServiceAccountSubject,
    Subject,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, duplicate, forbidden, invalid, not_supported, required

EXEMPT, CATCH_ALL = "exempt", "catch-all"
_HIGHEST_PRECEDENCE = 10_000
_DISTINGUISHERS = ("ByNamespace", "ByUser")
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}

_EVERYTHING = ResourcePolicyRule(verbs=["*"], api_groups=["*"], resources=["*"], namespaces=["*"], cluster_scope=True)
_ALL_URLS = NonResourcePolicyRule(verbs=["*"], non_resource_urls=["*"])


def _all_of(*groups: str) -> list[PolicyRulesWithSubjects]:
    subjects = [Subject(kind="Group", group=GroupSubject(name=name)) for name in groups]
    rule = PolicyRulesWithSubjects(subjects=subjects, resource_rules=[_EVERYTHING], non_resource_rules=[_ALL_URLS])
    return [rule]


# The objects without which no request would have a place; nobody may make them anything else.
FIXED_SCHEMAS: Mapping[str, FlowSchemaSpec] = {
    EXEMPT: FlowSchemaSpec(
        matching_precedence=1,
        priority_level_configuration=PriorityLevelConfigurationReference(name=EXEMPT),
        rules=_all_of("system:masters"),
    ),
    CATCH_ALL: FlowSchemaSpec(
        matching_precedence=_HIGHEST_PRECEDENCE,
        priority_level_configuration=PriorityLevelConfigurationReference(name=CATCH_ALL),
        distinguisher_method=FlowDistinguisherMethod(type="ByUser"),
        rules=_all_of("system:unauthenticated", "system:authenticated"),
    ),
}


def validate_flow_schema(schema: FlowSchema) -> list[FieldError]:
    name, spec = schema.metadata.name, schema.spec
    errors = list(_validate_schema_spec(spec, name))
    fixed = FIXED_SCHEMAS.get(name)
    if fixed is not None and spec != fixed:
        errors.append(invalid("spec", spec, f"spec of '{name}' must equal the fixed value"))
    return errors + validate_condition_types([one.type for one in schema.status.conditions])


def validate_flow_schema_status(new: FlowSchema, old: FlowSchema) -> list[FieldError]:
    return validate_condition_types([one.type for one in new.status.conditions])


def _validate_schema_spec(spec: FlowSchemaSpec, name: str) -> Iterator[FieldError]:
    precedence, path = spec.matching_precedence or 0, "spec.matchingPrecedence"
    if precedence <= 0:
        yield invalid(path, precedence, "must be a positive value")
    if precedence > _HIGHEST_PRECEDENCE:
        yield invalid(path, precedence, f"must not be greater than {_HIGHEST_PRECEDENCE}")
    if precedence == 1 and name != EXEMPT:
        yield invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
    method = spec.distinguisher_method
    if method is not None and method.type not in _DISTINGUISHERS:
        yield not_supported("spec.distinguisherMethod.type", method, _DISTINGUISHERS)
    level = spec.priority_level_configuration.name if spec.priority_level_configuration else ""
    if level:
        yield from checked("spec.priorityLevelConfiguration.name", level, names.dns1123_subdomain(level))
    else:
        yield required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    for index, rule in enumerate(spec.rules):
        yield from _validate_rules(rule, f"spec.rules[{index}]")


def _validate_rules(rule: PolicyRulesWithSubjects, path: str) -> Iterator[FieldError]:
    for index, subject in enumerate(rule.subjects):
        yield from _validate_subject(subject, f"{path}.subjects[{index}]")
    if not rule.subjects:
        yield required(f"{path}.subjects", "subjects must contain at least one value")
    if not rule.resource_rules and not rule.non_resource_rules:
        yield required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for index, resource in enumerate(rule.resource_rules):
        yield from _validate_resource_rule(resource, f"{path}.resourceRules[{index}]")
    for index, urls in enumerate(rule.non_resource_rules):
        yield from _validate_url_rule(urls, f"{path}.nonResourceRules[{index}]")


def _validate_subject(subject: Subject, path: str) -> Iterator[FieldError]:
    if subject.kind not in _SUBJECTS:
        yield not_supported(f"{path}.kind", subject.kind, tuple(_SUBJECTS))
        return
    told = {"ServiceAccount": subject.service_account, "User": subject.user, "Group": subject.group}
    field, who = _SUBJECTS[subject.kind], told.pop(subject.kind)
    if who is None:
        yield required(f"{path}.{field}", f"{field} is required when subject kind is '{subject.kind}'")
    elif isinstance(who, ServiceAccountSubject):
        yield from _validate_account(who, f"{path}.{field}")
    elif not who.name:
        yield required(f"{path}.{field}.name")
    for kind, other in told.items():
        if other is not None:
            name = _SUBJECTS[kind]
            yield forbidden(f"{path}.{name}", f"{name} is forbidden when subject kind is not '{kind}'")


def _validate_account(account: ServiceAccountSubject, path: str) -> Iterator[FieldError]:
    if not account.name:
        yield required(f"{path}.name")
    elif account.name != "*":
        yield from checked(f"{path}.name", account.name, names.dns1123_subdomain(account.name))
    if account.namespace:
        yield from checked(f"{path}.namespace", account.namespace, names.dns1123_label(account.namespace))
    else:
        yield required(f"{path}.namespace", "must specify namespace for service account")


def _validate_verbs(verbs: list[str], path: str) -> Iterator[FieldError]:
    if not verbs:
        yield required(path, "verbs must contain at least one value")
    elif "*" in verbs:
        if len(verbs) > 1:
            yield invalid(path, verbs, "if '*' is present, must not specify other verbs")
    elif not set(verbs) <= set(_VERBS):
        yield not_supported(path, verbs, _VERBS)


def _validate_url_rule(rule: NonResourcePolicyRule, path: str) -> Iterator[FieldError]:
    yield from _validate_verbs(rule.verbs, f"{path}.verbs")
    urls, at = rule.non_resource_urls, f"{path}.nonResourceURLs"
    if not urls:
        yield required(at, "nonResourceURLs must contain at least one value")
    elif "*" in urls:
        if len(urls) > 1:
            yield invalid(at, urls, "if '*' is present, must not specify other non-resource URLs")
    else:
        for index, url in enumerate(urls):
            if why := _why_no_path(url):
                yield invalid(f"{at}[{index}]", url, why)


def _why_no_path(url: str) -> str:
    if not url:
        return "must not be empty"
    if url == "/":
        return ""
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count("*")
    return "wildcard can only do suffix matching" if stars > 1 or (stars and not url.endswith("/*")) else ""


def _validate_resource_rule(rule: ResourcePolicyRule, path: str) -> Iterator[FieldError]:
    yield from _validate_verbs(rule.verbs, f"{path}.verbs")
    for field, values, one, many in (
        ("apiGroups", rule.api_groups, "api group", "api groups"),
        ("resources", rule.resources, "resource", "resources"),
    ):
        if not values:
            yield required(f"{path}.{field}", f"resource rules must supply at least one {one}")
        elif len(values) > 1 and "*" in values:
            yield invalid(f"{path}.{field}", values, f"if '*' is present, must not specify other {many}")
    yield from _validate_namespaces(rule, f"{path}.namespaces")


def _validate_namespaces(rule: ResourcePolicyRule, path: str) -> Iterator[FieldError]:
    namespaces = rule.namespaces
    if not namespaces and not rule.cluster_scope:
        why = "resource rules that are not cluster scoped must supply at least one namespace"
        yield required(path, why)
    elif "*" in namespaces:
        if len(namespaces) > 1:
            yield invalid(path, namespaces, "if '*' is present, must not specify other namespaces")
    else:
        for index, name in enumerate(namespaces):
            for problem in names.dns1123_label(name):
                why = f"each member of this list must be '*' or a DNS-1123 label; {problem}"
                yield invalid(f"{path}[{index}]", name, why)


def validate_condition_types(types: Sequence[str]) -> list[FieldError]:
    """Check the conditions of a flow schema or a priority level, of which only the type must be there."""
    errors: list[FieldError] = []
    for index, type_ in enumerate(types):
        path = f"status.conditions[{index}].type"
        if type_ in types[:index]:
            errors.append(duplicate(path, type_))
        if not type_:
            errors.append(required(path, "must not be empty"))
    return errors
