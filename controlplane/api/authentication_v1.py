"""io.k8s.api.authentication.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated

from controlplane.api.base import Atomic, Int64, KubeStruct, Time, always
from controlplane.api.meta_v1 import ObjectMeta


class BoundObjectReference(KubeStruct):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""


class UserInfo(KubeStruct):
    extra: dict[str, list[str]] = {}
    groups: Annotated[list[str], Atomic()] = []
    uid: str = ""
    username: str = ""


class SelfSubjectReviewStatus(KubeStruct):
    user_info: UserInfo = always(UserInfo)


class SelfSubjectReview(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    status: SelfSubjectReviewStatus = always(SelfSubjectReviewStatus)


class TokenRequestSpec(KubeStruct):
    attestations: dict[str, list[str]] = {}
    audiences: Annotated[list[str], Atomic()] = []
    bound_object_ref: BoundObjectReference | None = None
    expiration_seconds: Int64 | None = None


class TokenRequestStatus(KubeStruct):
    expiration_timestamp: Time | None = always(NoneType)
    token: str = always(str)


class TokenRequest(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: TokenRequestSpec = always(TokenRequestSpec)
    status: TokenRequestStatus = always(TokenRequestStatus)


class TokenReviewSpec(KubeStruct):
    audiences: Annotated[list[str], Atomic()] = []
    token: str = ""


class TokenReviewStatus(KubeStruct):
    audiences: Annotated[list[str], Atomic()] = []
    authenticated: bool | None = None
    error: str = ""
    user: UserInfo = always(UserInfo)


class TokenReview(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: TokenReviewSpec = always(TokenReviewSpec)
    status: TokenReviewStatus = always(TokenReviewStatus)
