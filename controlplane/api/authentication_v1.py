"""io.k8s.api.authentication.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, Int64, KubeStruct, Time
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
    user_info: UserInfo | None = None


class SelfSubjectReview(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    status: SelfSubjectReviewStatus = SelfSubjectReviewStatus()


class TokenRequestSpec(KubeStruct):
    attestations: dict[str, list[str]] = {}
    audiences: Annotated[list[str], Atomic()] = []
    bound_object_ref: BoundObjectReference | None = None
    expiration_seconds: Int64 | None = None


class TokenRequestStatus(KubeStruct):
    expiration_timestamp: Time | None = None
    token: str = ""


class TokenRequest(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: TokenRequestSpec = TokenRequestSpec()
    status: TokenRequestStatus = TokenRequestStatus()


class TokenReviewSpec(KubeStruct):
    audiences: Annotated[list[str], Atomic()] = []
    token: str = ""


class TokenReviewStatus(KubeStruct):
    audiences: Annotated[list[str], Atomic()] = []
    authenticated: bool | None = None
    error: str = ""
    user: UserInfo | None = None


class TokenReview(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: TokenReviewSpec = TokenReviewSpec()
    status: TokenReviewStatus = TokenReviewStatus()
