"""Resources that are questions: a POST whose answer is computed and never stored.

    POST /apis/authorization.k8s.io/v1/subjectaccessreviews   {"spec": {"user": "jane", ...}}
    201 Created                                               {"spec": ..., "status": {"allowed": false}}

`VIRTUAL` says which there are, for the router and for discovery; `make` turns an entry into its handler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controlplane.api import authentication_v1, authorization_v1
from controlplane.api.base import KubeStruct
from controlplane.apiserver.virtual import (
    access_reviews,
    rules_review,
    self_review,
    token_request,
    token_review,
)
from controlplane.apiserver.virtual.dependencies import Dependencies, Handler


@dataclass(frozen=True, slots=True)
class VirtualResource:
    """One such resource, as discovery lists it."""

    kind: str
    namespaced: bool
    type: type[KubeStruct]
    make: Callable[[Dependencies], Handler]
    # The group and version of the kind, where they are not those of the URL (serviceaccounts/token).
    kind_group: str = ""
    kind_version: str = ""


_AUTHN, _AUTHZ = "authentication.k8s.io", "authorization.k8s.io"

VIRTUAL: dict[tuple[str, str, str], VirtualResource] = {
    (_AUTHN, "v1", "selfsubjectreviews"): VirtualResource(
        "SelfSubjectReview", False, authentication_v1.SelfSubjectReview, self_review.handler
    ),
    (_AUTHN, "v1", "tokenreviews"): VirtualResource(
        "TokenReview", False, authentication_v1.TokenReview, token_review.handler
    ),
    (_AUTHZ, "v1", "localsubjectaccessreviews"): VirtualResource(
        "LocalSubjectAccessReview", True, authorization_v1.LocalSubjectAccessReview, access_reviews.local_handler
    ),
    (_AUTHZ, "v1", "selfsubjectaccessreviews"): VirtualResource(
        "SelfSubjectAccessReview", False, authorization_v1.SelfSubjectAccessReview, access_reviews.self_handler
    ),
    (_AUTHZ, "v1", "selfsubjectrulesreviews"): VirtualResource(
        "SelfSubjectRulesReview", False, authorization_v1.SelfSubjectRulesReview, rules_review.handler
    ),
    (_AUTHZ, "v1", "subjectaccessreviews"): VirtualResource(
        "SubjectAccessReview", False, authorization_v1.SubjectAccessReview, access_reviews.handler
    ),
    ("", "v1", "serviceaccounts/token"): VirtualResource(
        "TokenRequest",
        True,
        authentication_v1.TokenRequest,
        token_request.handler,
        kind_group=_AUTHN,
        kind_version="v1",
    ),
}

__all__ = ["VIRTUAL", "Dependencies", "Handler", "VirtualResource"]
