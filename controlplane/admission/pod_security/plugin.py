"""Pods are refused, workloads are warned about, and namespaces are told what their new labels would mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.pod_security.evaluate import reasons, shown, violations
from controlplane.admission.pod_security.policy import (
    PREFIX,
    Level,
    PodSecuritySettings,
    Policy,
    Standard,
    explicit_modes,
    policy_of,
)
from controlplane.admission.pod_security.violations import Violation
from controlplane.api.codec import Document, from_document, without_nulls
from controlplane.api.core_v1 import Container, Namespace, Pod, PodSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.reader import ObjectReader
from controlplane.api.status import FieldError, InternalError, invalid

# These change nothing that a standard looks at.
_IGNORED = frozenset({"exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"})
_MOST_PODS = 3000  # checked when a namespace's labels change
_WRITES = (Operation.CREATE, Operation.UPDATE)

# Where the template of a workload's pods is.
_TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "replicationcontrollers"): ("spec", "template"),
    ("", "podtemplates"): ("template",),
    ("apps", "replicasets"): ("spec", "template"),
    ("apps", "deployments"): ("spec", "template"),
    ("apps", "statefulsets"): ("spec", "template"),
    ("apps", "daemonsets"): ("spec", "template"),
    ("batch", "jobs"): ("spec", "template"),
    ("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(slots=True)
class _Findings:
    """What a pod violates, each standard looked at once however many modes name it."""

    metadata: ObjectMeta
    spec: PodSpec
    known: dict[Standard, list[Violation]] = field(default_factory=dict)

    def of(self, standard: Standard) -> list[Violation]:
        if standard not in self.known:
            self.known[standard] = violations(standard, self.metadata, self.spec)
        return self.known[standard]


class PodSecurity(Plugin):
    """Without labels, and without defaults in the configuration, every pod is welcome."""

    name = "PodSecurity"
    looks_at = frozenset({"namespaces", "pods", *(f"{plural}.{group}".rstrip(".") for group, plural in _TEMPLATES)})

    def __init__(self, reader: ObjectReader, settings: PodSecuritySettings):
        self._reader, self._defaults, self._exempt = reader, settings.defaults, settings.exemptions

    async def validate(self, attributes: Attributes) -> None:
        if attributes.document is None or attributes.operation not in _WRITES:
            return
        resource = attributes.resource
        kind = (resource.group, resource.plural)
        if kind == ("", "namespaces"):
            if not attributes.subresource:
                self._namespace(attributes, attributes.document)
        elif kind == ("", "pods"):
            if attributes.subresource not in _IGNORED:
                self._pod(attributes, attributes.document)
        elif kind in _TEMPLATES and not attributes.subresource:
            self._workload(attributes, attributes.document, _TEMPLATES[kind])

    # --- pods and workloads

    def _pod(self, attributes: Attributes, document: Document) -> None:
        if self._is_exempt(attributes):
            return
        policy, errors = self._policy(attributes)
        if not errors and policy.privileged:
            _note(attributes, "enforce-policy", str(Standard()))
            return
        pod = from_document(without_nulls(document), Pod)
        if attributes.operation is Operation.UPDATE and attributes.old is not None:
            old = from_document(without_nulls(attributes.old), Pod)
            if not is_significant(pod.spec, old.spec):
                return
        if self._exempt_class(attributes, pod.spec):
            return
        _note_errors(attributes, errors)
        findings = _Findings(pod.metadata, pod.spec)
        _note(attributes, "enforce-policy", str(policy.enforce))
        self._audit(attributes, policy, findings)
        if found := findings.of(policy.enforce):
            raise attributes.forbidden(f'violates PodSecurity "{policy.enforce}": {shown(found)}')
        self._warn(attributes, policy, findings)

    def _workload(self, attributes: Attributes, document: Document, path: Iterable[str]) -> None:
        if self._is_exempt(attributes):
            return
        policy, errors = self._policy(attributes)
        if not errors and not policy.warn.level and not policy.audit.level:
            return
        template: Document = document
        for key in path:
            template = template.get(key) or {}
        if not template:
            return
        pod = from_document(without_nulls({"metadata": template.get("metadata"), "spec": template.get("spec")}), Pod)
        if self._exempt_class(attributes, pod.spec):
            return
        _note_errors(attributes, errors)
        findings = _Findings(pod.metadata, pod.spec)
        self._audit(attributes, policy, findings)
        self._warn(attributes, policy, findings)

    def _policy(self, attributes: Attributes) -> tuple[Policy, list[FieldError]]:
        namespace = self._reader.get(Namespace, "", attributes.namespace)
        if namespace is None:
            if (attributes.resource.group, attributes.resource.plural) != ("", "pods"):
                return Policy(), []
            raise InternalError(f'Internal error occurred: failed to lookup namespace "{attributes.namespace}"')
        return policy_of(namespace.metadata.labels, self._defaults)

    def _audit(self, attributes: Attributes, policy: Policy, findings: _Findings) -> None:
        if found := findings.of(policy.audit):
            _note(attributes, "audit-violations", f'would violate PodSecurity "{policy.audit}": {shown(found)}')

    def _warn(self, attributes: Attributes, policy: Policy, findings: _Findings) -> None:
        if found := findings.of(policy.warn):
            attributes.warnings.append(f'would violate PodSecurity "{policy.warn}": {shown(found)}')

    def _is_exempt(self, attributes: Attributes) -> bool:
        if attributes.namespace in self._exempt.namespaces:
            _note(attributes, "exempt", "namespace")
        elif attributes.user.name in self._exempt.usernames:
            _note(attributes, "exempt", "user")
        else:
            return False
        return True

    def _exempt_class(self, attributes: Attributes, spec: PodSpec) -> bool:
        exempt = spec.runtime_class_name in self._exempt.runtime_classes
        if exempt:
            _note(attributes, "exempt", "runtimeClass")
        return exempt

    # --- namespaces

    def _namespace(self, attributes: Attributes, document: Document) -> None:
        labels = (document.get("metadata") or {}).get("labels") or {}
        old_labels = ((attributes.old or {}).get("metadata") or {}).get("labels") or {}
        policy, errors = policy_of(labels, self._defaults)
        created = attributes.operation is Operation.CREATE
        old, old_errors = policy_of(old_labels, self._defaults)
        if errors and (created or errors != old_errors):
            raise invalid(attributes.resource, attributes.name, errors)
        if not created and not _is_stricter(policy.enforce, old.enforce):
            return
        name = attributes.name
        if name in self._exempt.namespaces:
            if not policy.privileged and not policy.same_as(self._defaults):
                modes = explicit_modes(policy, labels)
                attributes.warnings.append(
                    f'namespace "{name}" is exempt from Pod Security, and the policy ({modes}) will be ignored'
                )
        elif not created:
            pods = [pod for pod in self._reader.list(Pod, name) if pod.spec.runtime_class_name not in
                    self._exempt.runtime_classes]  # fmt: skip
            attributes.warnings += existing_warnings(name, pods, policy.enforce)


def _is_stricter(new: Standard, old: Standard) -> bool:
    """Return whether pods that were allowed before might not be."""
    if new == old or new.level == Level.PRIVILEGED:
        return False
    return new.version != old.version or new.level > old.level


def existing_warnings(namespace: str, pods: list[Pod], enforce: Standard) -> list[str]:
    """Return what to tell whoever tightens a namespace in which there are pods; one line a kind of violation."""
    ordered = _one_of_each_first(pods)
    offenders: dict[str, list[str]] = {}
    for pod in ordered[:_MOST_PODS]:
        if found := violations(enforce, pod.metadata, pod.spec):
            offenders.setdefault(reasons(found), []).append(pod.metadata.name)
    warnings = []
    if len(ordered) > _MOST_PODS:
        warnings.append(
            f"new PodSecurity enforce level only checked against the first {_MOST_PODS} of {len(ordered)} existing pods"
        )
    if offenders:
        warnings.append(
            f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{enforce}"'
        )
    return [*warnings, *sorted(f"{_first_of(names)}: {why}" for why, names in offenders.items())]


def _one_of_each_first(pods: list[Pod]) -> list[Pod]:
    """Return the pods, those whose controller already has one in the list last: they are alike."""
    first: list[Pod] = []
    rest: list[Pod] = []
    seen: set[str] = set()
    for pod in pods:
        owner = next((one.uid for one in pod.metadata.owner_references if one.controller), "")
        (rest if owner in seen else first).append(pod)
        seen |= {owner} - {""}
    return [*first, *rest]


def _first_of(names: list[str]) -> str:
    others = len(names) - 1
    if not others:
        return names[0]
    return f"{min(names)} (and {others} other {'pod' if others == 1 else 'pods'})"


def is_significant(new: PodSpec, old: PodSpec) -> bool:
    """Return whether an update changes what a standard may look at: of a pod, little can change besides images."""
    if _images(new.containers) != _images(old.containers) or _images(new.init_containers) != _images(
        old.init_containers
    ):
        return True
    before = {one.name: one.image for one in old.ephemeral_containers}
    return any(before.get(one.name) != one.image for one in new.ephemeral_containers)


def _images(containers: Iterable[Container]) -> list[str]:
    return [container.image for container in containers]


def _note(attributes: Attributes, key: str, value: str) -> None:
    attributes.annotations[f"{PREFIX}{key}"] = value


def _note_errors(attributes: Attributes, errors: list[FieldError]) -> None:
    if errors:
        texts = [error.text for error in errors]
        said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        _note(attributes, "error", f"Failed to parse policy: {said}")
