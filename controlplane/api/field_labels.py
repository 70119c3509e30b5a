"""Which fields of a kind `--field-selector` can ask for, and what an object holds there, as text.

    selectable_fields(pods, document) == {"metadata.name": "web-0", "spec.nodeName": "n1", ...}

Watches are filtered by these, so they are read straight from a document or an object without building anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.api.resources import Resource
from controlplane.api.selectors import FieldSelector, SelectorError

_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

_FIELDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Event"): (
        *(f"involvedObject.{field}" for field in _REFERENCE),
        "reason", "reportingComponent", "source", "type",
    ),
    ("", "Namespace"): ("status.phase",),
    ("", "Node"): ("spec.unschedulable",),
    ("", "Pod"): (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
    ),
    ("", "ReplicationController"): ("status.replicas",),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP", "spec.type"),
    ("apps", "ReplicaSet"): ("status.replicas",),
    ("batch", "Job"): ("status.successful",),
    ("certificates.k8s.io", "CertificateSigningRequest"): ("spec.signerName",),
    ("certificates.k8s.io", "ClusterTrustBundle"): ("spec.signerName",),
    ("certificates.k8s.io", "PodCertificateRequest"): ("spec.signerName", "spec.podName", "spec.nodeName"),
    ("events.k8s.io", "Event"): (
        *(f"regarding.{field}" for field in _REFERENCE),
        "reason", "reportingController", "type",
    ),
    ("resource.k8s.io", "ResourceSlice"): ("spec.nodeName", "spec.driver"),
}  # fmt: skip
_ELSEWHERE = {"source": "source.component", "status.successful": "status.succeeded"}
_SECOND_CHOICE = {"source": "reportingComponent"}
_ABSENT = {"spec.hostNetwork": "false", "spec.unschedulable": "false", "status.replicas": "0", "status.successful": "0"}
_OLD_NAMES = {("", "Pod"): {"spec.host": "spec.nodeName"}}


def labels_of(resource: Resource) -> tuple[str, ...]:
    """Return every field that a selector on this resource may name."""
    return _labels(resource.group, resource.kind, resource.namespaced) + resource.selectable


@lru_cache
def _labels(group: str, kind: str, namespaced: bool) -> tuple[str, ...]:
    metadata = ("metadata.name", "metadata.namespace") if namespaced else ("metadata.name",)
    return metadata + _FIELDS.get((group, kind), ())


def check_field_selector(resource: Resource, selector: FieldSelector) -> FieldSelector:
    """Return the selector with today's field names. Raises SelectorError for a field that cannot be asked for."""
    known = labels_of(resource)
    renamed = _OLD_NAMES.get((resource.group, resource.kind), {})
    terms = tuple(replace(term, field=renamed.get(term.field, term.field)) for term in selector.terms)
    for term in terms:
        if term.field not in known:
            raise SelectorError(_not_supported(resource, term.field))
    return FieldSelector(terms)


def _not_supported(resource: Resource, label: str) -> str:
    if (resource.group, resource.kind) == ("batch", "Job"):
        return f'field label "{label}" not supported for Job'
    if resource.custom or (resource.group, resource.kind) in _FIELDS:
        return f"field label not supported: {label}"
    return f'"{label}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def selectable_fields(resource: Resource, value: Any) -> dict[str, str]:
    """Return every selectable field of a document or an object; absent ones as the text of their zero."""
    return {label: _text(label, value) for label in labels_of(resource)}


def _text(label: str, value: Any) -> str:
    found = _at(value, _ELSEWHERE.get(label, label))
    if not found and label in _SECOND_CHOICE:
        found = _at(value, _SECOND_CHOICE[label])
    if not found:
        return _ABSENT.get(label, "")
    if found is True:
        return "true"
    if isinstance(found, list):
        return ",".join(_at(one, "ip") or "" for one in found)
    return str(found)


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if value is None:
            return None
        value = value.get(step) if isinstance(value, dict) else getattr(value, _attribute(type(value), step))
    return value


_attributes: dict[type[KubeStruct], dict[str, str]] = {}


def _attribute(type_: type[KubeStruct], wire: str) -> str:
    if type_ not in _attributes:
        _attributes[type_] = {field.encode_name: field.name for field in msgspec.structs.fields(type_)}
    return _attributes[type_][wire]
