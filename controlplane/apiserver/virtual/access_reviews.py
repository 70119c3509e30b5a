"""SubjectAccessReview and its kin: may this user do that? (`kubectl auth can-i`)"""

from __future__ import annotations

from typing import Any

from controlplane.api.authorization_v1 import (
    LocalSubjectAccessReview,
    NonResourceAttributes,
    ResourceAttributes,
    SelfSubjectAccessReview,
    SelfSubjectAccessReviewSpec,
    SubjectAccessReview,
    SubjectAccessReviewSpec,
)
from controlplane.api.codec import Document
from controlplane.api.status import BadRequest, FieldError
from controlplane.apiserver.virtual.dependencies import Dependencies, Handler, answered, invalid, typed
from controlplane.auth.authorizers import decide
from controlplane.auth.interface import AccessRequest, User

_GROUP = "authorization.k8s.io"
_ONE_OF = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


def handler(dependencies: Dependencies) -> Handler:
    async def handle(document: Document, user: User, namespace: str, name: str) -> Document:
        spec = typed(document, SubjectAccessReview).spec
        _refuse("SubjectAccessReview", _subject_errors(spec))
        return answered(document, await _status(dependencies, spec, _subject(spec)))

    return handle


def local_handler(dependencies: Dependencies) -> Handler:
    async def handle(document: Document, user: User, namespace: str, name: str) -> Document:
        spec = typed(document, LocalSubjectAccessReview).spec
        _refuse("LocalSubjectAccessReview", [*_subject_errors(spec), *_local_errors(spec)])
        if spec.resource_attributes is not None and spec.resource_attributes.namespace != namespace:
            raise BadRequest(
                "spec.resourceAttributes.namespace must match namespace: "
                f"{spec.resource_attributes.namespace} does not match {namespace}"
            )
        return answered(document, await _status(dependencies, spec, _subject(spec)))

    return handle


def self_handler(dependencies: Dependencies) -> Handler:
    async def handle(document: Document, user: User, namespace: str, name: str) -> Document:
        spec = typed(document, SelfSubjectAccessReview).spec
        _refuse("SelfSubjectAccessReview", _attribute_errors(spec))
        return answered(document, await _status(dependencies, spec, user))

    return handle


def _refuse(kind: str, errors: list[FieldError]) -> None:
    if errors:
        raise invalid(kind, _GROUP, errors)


def _attribute_errors(spec: SubjectAccessReviewSpec | SelfSubjectAccessReviewSpec) -> list[FieldError]:
    if (spec.resource_attributes is None) is (spec.non_resource_attributes is None):
        where, value = ("nonResourceAttributes", "{}") if spec.resource_attributes else ("resourceAttributes", "null")
        return [FieldError("FieldValueInvalid", f"spec.{where}", f"Invalid value: {value}: {_ONE_OF}")]
    return []


def _subject_errors(spec: SubjectAccessReviewSpec) -> list[FieldError]:
    errors = _attribute_errors(spec)
    if not spec.user and not spec.groups:
        message = 'Invalid value: "": at least one of user or group must be specified'
        errors.append(FieldError("FieldValueInvalid", "spec.user", message))
    return errors


def _local_errors(spec: SubjectAccessReviewSpec) -> list[FieldError]:
    if spec.non_resource_attributes is None:
        return []
    message = "Invalid value: {}: disallowed on this kind of request"
    return [FieldError("FieldValueInvalid", "spec.nonResourceAttributes", message)]


def _subject(spec: SubjectAccessReviewSpec) -> User:
    extra = {key: tuple(values) for key, values in spec.extra.items()}
    return User(spec.user, spec.uid, tuple(spec.groups), extra)


async def _status(
    dependencies: Dependencies, spec: SubjectAccessReviewSpec | SelfSubjectAccessReviewSpec, user: User
) -> dict[str, Any]:
    if spec.resource_attributes is not None:
        request = _resource_request(user, spec.resource_attributes)
    else:
        request = _path_request(user, spec.non_resource_attributes or NonResourceAttributes())
    decision = await decide(dependencies.authorizer, request)
    denied = {"denied": True} if decision.denied else {}
    return {"allowed": decision.allowed} | denied | ({"reason": decision.reason} if decision.reason else {})


def _resource_request(user: User, attributes: ResourceAttributes) -> AccessRequest:
    return AccessRequest(
        user,
        attributes.verb,
        attributes.group,
        attributes.version,
        attributes.resource,
        attributes.subresource,
        attributes.namespace,
        attributes.name,
        field_selector=_field_selector(attributes),
    )


def _field_selector(attributes: ResourceAttributes) -> str:
    selector = attributes.field_selector
    if selector is None:
        return ""
    terms = (f"{one.key}={one.values[0]}" for one in selector.requirements if one.operator == "In" and one.values)
    return selector.raw_selector or ",".join(terms)


def _path_request(user: User, attributes: NonResourceAttributes) -> AccessRequest:
    return AccessRequest(user, attributes.verb, path=attributes.path)
