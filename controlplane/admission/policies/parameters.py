"""The objects that a binding gives to its policy: by name, or all that a selector selects."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.admission.outside import Served
from controlplane.api.admissionregistration_v1 import ParamKind, ParamRef
from controlplane.api.codec import Document
from controlplane.api.resources import Resource
from controlplane.api.selectors import label_selector


class NoParameters(Exception):
    """A binding whose parameters cannot be had, with upstream's words for why."""


def parameters_of(
    kind: ParamKind | None, reference: ParamRef | None, namespace: str, served: Served
) -> Sequence[Document | None]:
    """Return the parameters to evaluate with, one evaluation each; [None] for none. Raises NoParameters."""
    if kind is None or reference is None:
        return [None]
    resource = served.resource_of(kind.api_version, kind.kind)
    if resource is None:
        raise NoParameters(f"paramKind kind `&ParamKind{{APIVersion:{kind.api_version},Kind:{kind.kind},}}` not known")
    found = _found(resource, reference, _namespace(resource, reference, namespace), served)
    if not found and reference.parameter_not_found_action == "Deny":
        raise NoParameters("no params found for policy binding with `Deny` parameterNotFoundAction")
    return found


def _namespace(resource: Resource, reference: ParamRef, namespace: str) -> str:
    if not resource.namespaced:
        if reference.namespace:
            raise NoParameters("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        return ""
    if not (reference.namespace or namespace):
        raise NoParameters("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
    return reference.namespace or namespace


def _found(resource: Resource, reference: ParamRef, namespace: str, served: Served) -> Sequence[Document]:
    if reference.name:
        one = served.get(resource, namespace, reference.name)
        return [] if one is None else [one]
    if reference.selector is None:
        raise NoParameters("one of name or selector must be provided")
    selector = label_selector(reference.selector)
    return [
        one
        for one in served.list(resource, namespace)
        if selector.matches((one.get("metadata") or {}).get("labels") or {})
    ]
