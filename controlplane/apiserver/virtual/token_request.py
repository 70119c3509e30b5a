"""TokenRequest: a token for a service account. (`kubectl create token`; a node, for its pods.)"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from controlplane.api.authentication_v1 import BoundObjectReference, TokenRequest, TokenRequestSpec
from controlplane.api.codec import Document
from controlplane.api.core_v1 import Node, Pod, Secret, ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resources import resource_of
from controlplane.api.status import BadRequest, FieldError, conflict, not_found
from controlplane.apiserver.virtual.dependencies import Dependencies, Handler, answered, invalid, typed
from controlplane.auth.interface import User
from controlplane.auth.service_account import BoundObject, PrivateClaims
from controlplane.kit.timestamps import format_time

DEFAULT_SECONDS, MIN_SECONDS, MAX_SECONDS = 3600, 600, 1 << 32
_BINDABLE: dict[str, type[Pod | Secret | Node]] = {"Pod": Pod, "Secret": Secret, "Node": Node}


def handler(dependencies: Dependencies) -> Handler:
    async def handle(document: Document, user: User, namespace: str, name: str) -> Document:
        spec = typed(document, TokenRequest).spec
        seconds = spec.expiration_seconds if spec.expiration_seconds is not None else DEFAULT_SECONDS
        _check_seconds(seconds)
        seconds = min(seconds, dependencies.issuer.lifetimes.longest or seconds)
        account = dependencies.reader.get(ServiceAccount, namespace, name)
        if account is None:
            raise not_found(resource_of(ServiceAccount), name)
        _check_uid((document.get("metadata") or {}).get("uid"), account)
        claims = _claims(dependencies, account, spec)
        issued = dependencies.issuer.issue(claims, spec.audiences, seconds)
        expires = datetime.fromtimestamp(issued.expires, UTC)
        return _answer(dependencies, document, account, spec, seconds) | {
            "status": {"token": issued.token, "expirationTimestamp": format_time(expires)}
        }

    return handle


def _answer(
    dependencies: Dependencies, document: Document, account: ServiceAccount, spec: TokenRequestSpec, seconds: int
) -> Document:
    metadata = {
        "name": account.metadata.name,
        "namespace": account.metadata.namespace,
        "creationTimestamp": format_time(dependencies.clock.now()),
    }
    shown: dict[str, Any] = {
        "audiences": spec.audiences or list(dependencies.issuer.audiences),
        "expirationSeconds": seconds,
        "boundObjectRef": msgspec.to_builtins(spec.bound_object_ref) if spec.bound_object_ref else None,
    }
    return answered({**document, "metadata": metadata, "spec": shown}, {})


def _check_uid(wanted: str | None, account: ServiceAccount) -> None:
    """Raise Conflict if the token is for an account of the same name that was here before."""
    if wanted and wanted != account.metadata.uid:
        why = (
            f"the UID in the token request ({wanted}) does not match the UID of the service account "
            f"({account.metadata.uid})"
        )
        raise conflict(resource_of(ServiceAccount), account.metadata.name, why)


def _check_seconds(seconds: int) -> None:
    problem = ""
    if seconds < MIN_SECONDS:
        problem = "may not specify a duration less than 10 minutes"
    elif seconds > MAX_SECONDS:
        problem = "may not specify a duration larger than 2^32 seconds"
    if problem:
        message = f"Invalid value: {seconds}: {problem}"
        error = FieldError("FieldValueInvalid", "spec.expirationSeconds", message)
        raise invalid("TokenRequest", "authentication.k8s.io", [error])


def _claims(dependencies: Dependencies, account: ServiceAccount, spec: TokenRequestSpec) -> PrivateClaims:
    claims = PrivateClaims(account.metadata.namespace, _bound(account.metadata))
    reference = spec.bound_object_ref
    if reference is None:
        return claims
    type_ = _BINDABLE.get(reference.kind) if reference.api_version in ("v1", "") else None
    if type_ is None:
        raise BadRequest(f"cannot bind token to object of type {reference.api_version or 'v1'}, Kind={reference.kind}")
    bound = _find(dependencies, type_, account.metadata.namespace, reference)
    found = _bound(bound.metadata)
    if isinstance(bound, Secret):
        return msgspec.structs.replace(claims, secret=found)
    if isinstance(bound, Node):
        return msgspec.structs.replace(claims, node=found)
    return _pod_claims(dependencies, account, bound, claims)


def _pod_claims(dependencies: Dependencies, account: ServiceAccount, pod: Pod, claims: PrivateClaims) -> PrivateClaims:
    name, node_name = account.metadata.name, ""
    if pod.spec is not None:
        node_name = pod.spec.node_name
    if pod.spec is None or pod.spec.service_account_name != name:
        raise BadRequest(
            f'cannot bind token for serviceaccount "{name}" to pod running with different serviceaccount name.'
        )
    claims = msgspec.structs.replace(claims, pod=_bound(pod.metadata))
    if not node_name:
        return claims
    node = dependencies.reader.get(Node, "", node_name)
    return msgspec.structs.replace(claims, node=_bound(node.metadata) if node else BoundObject(node_name))


def _find(
    dependencies: Dependencies, type_: type[Pod | Secret | Node], namespace: str, reference: BoundObjectReference
) -> Pod | Secret | Node:
    resource = resource_of(type_)
    found = dependencies.reader.get(type_, namespace if resource.namespaced else "", reference.name)
    if found is None:
        raise not_found(resource, reference.name)
    if reference.uid and reference.uid != found.metadata.uid:
        raise conflict(
            resource,
            reference.name,
            f"the UID in the bound object reference ({reference.uid}) does not match the UID in record. The object "
            "might have been deleted and then recreated",
        )
    return found


def _bound(metadata: ObjectMeta) -> BoundObject:
    return BoundObject(metadata.name, metadata.uid)
