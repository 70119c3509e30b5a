"""Token Secrets: what is filled in, what is left, when they end, and whether their tokens are believed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from controlplane.api.core_v1 import Secret, ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import Unauthorized
from controlplane.auth import jwt
from controlplane.auth.interface import Credentials, User
from controlplane.auth.legacy_token import ACCOUNT_NAME, ACCOUNT_UID, SECRET_TYPE, LegacyTokens, claims_of
from controlplane.controllers.tokens.controller import TokensController
from controlplane.controllers.tokens.plan import Plan, plan
from tests.fakes.reader import FakeReader
from tests.unit.controllers.world import World

KEY = jwt.SigningKey.of(ec.generate_private_key(ec.SECP256R1()))
CA = b"-----BEGIN CERTIFICATE-----"
ACCOUNT = ServiceAccount(metadata=ObjectMeta(name="web", namespace="shop", uid="u-web"))


def text(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def a_secret(data: dict[str, str] | None = None, type_: str = SECRET_TYPE, **annotations: str) -> Secret:
    named = {ACCOUNT_NAME: "web"} | {key.replace("_", "/", 1): value for key, value in annotations.items()}
    return Secret(
        metadata=ObjectMeta(name="web-token", namespace="shop", uid="u-secret", annotations=named),
        type=type_,
        data=data or {},
    )


def filled(secret: Secret | None = None) -> Secret:
    planned = plan(secret or a_secret(), ACCOUNT, KEY, CA)
    assert planned.write is not None
    return planned.write


def test_what_is_filled_in() -> None:
    written = filled()
    assert written.metadata.annotations == {ACCOUNT_NAME: "web", ACCOUNT_UID: "u-web"}
    assert written.data["namespace"] == text("shop")
    assert written.data["ca.crt"] == text(CA)
    token = base64.b64decode(written.data["token"]).decode()
    assert jwt.verify(token, {KEY.key_id: KEY.key.public_key()}) == {
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:shop:web",
        "kubernetes.io/serviceaccount/namespace": "shop",
        "kubernetes.io/serviceaccount/secret.name": "web-token",
        "kubernetes.io/serviceaccount/service-account.name": "web",
        "kubernetes.io/serviceaccount/service-account.uid": "u-web",
    }


def test_what_is_right_is_left_alone_and_what_is_missing_comes_back() -> None:
    right = filled()
    assert plan(right, ACCOUNT, KEY, CA) == Plan()
    without = replace(right, data={**right.data, "ca.crt": "", "more": text("more")})
    again = filled(without)
    assert (again.data["token"], again.data["ca.crt"], again.data["more"]) == (
        right.data["token"], text(CA), text("more")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("secret", "account", "expected"),
    [
        pytest.param(a_secret(type_="Opaque"), ACCOUNT, Plan(), id="another type"),
        pytest.param(a_secret(), None, Plan(delete=True), id="the account is gone"),
        pytest.param(a_secret(**{"kubernetes.io_service-account.uid": "u-old"}), ACCOUNT, Plan(delete=True),
                     id="the account is another by now"),
    ],
)  # fmt: skip
def test_plan(secret: Secret, account: ServiceAccount | None, expected: Plan) -> None:
    assert plan(secret, account, KEY, CA) == expected


async def test_a_secret_lives_with_its_account() -> None:
    world = World()
    world.api.add(ACCOUNT)
    async with world.running(TokensController(world.environment, KEY, CA)):
        await world.client.create(a_secret())
        await world.settle()
        found = world.api.get(Secret, "web-token", "shop")
        assert found is not None
        assert found.data["token"]
        await world.client.delete(ServiceAccount, "web", "shop")
        await world.settle()
        assert world.api.get(Secret, "web-token", "shop") is None


# The tokens ---------------------------------------------------------------------------------------------------------


def a_token(secret: Secret) -> Credentials:
    return Credentials(token=base64.b64decode(secret.data["token"]).decode())


async def test_a_token_in_its_secret_is_its_account() -> None:
    secret = filled()
    tokens = LegacyTokens([KEY.key.public_key()], FakeReader(secret, ACCOUNT))
    user = await tokens.authenticate(a_token(secret))
    assert user == User(
        "system:serviceaccount:shop:web", "u-web", ("system:serviceaccounts", "system:serviceaccounts:shop")
    )
    assert await tokens.authenticate(a_token(secret)) == user


INVALID = {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}


@pytest.mark.parametrize(
    "left",
    [
        pytest.param(lambda secret: [ACCOUNT], id="the Secret is gone"),
        pytest.param(lambda secret: [secret], id="the account is gone"),
        pytest.param(lambda secret: [secret, replace(ACCOUNT, metadata=replace(ACCOUNT.metadata, uid="new"))],
                     id="the account is another"),
        pytest.param(lambda secret: [replace(secret, data={"token": text("another")}), ACCOUNT], id="another token"),
        pytest.param(lambda secret: [replace(secret, data={"token": "!"}), ACCOUNT], id="no base64"),
        pytest.param(lambda secret: [replace(secret, metadata=replace(secret.metadata, labels=INVALID)), ACCOUNT],
                     id="marked as invalid"),
    ],
)  # fmt: skip
async def test_tokens_that_are_taken_back(left: Any) -> None:
    secret = filled()
    tokens = LegacyTokens([KEY.key.public_key()], FakeReader(*left(secret)))
    with pytest.raises(Unauthorized):
        await tokens.authenticate(a_token(secret))


async def test_forged_and_other_tokens() -> None:
    secret, forger = filled(), jwt.SigningKey.of(ec.generate_private_key(ec.SECP256R1()))
    tokens = LegacyTokens([KEY.key.public_key()], FakeReader(secret, ACCOUNT))
    with pytest.raises(Unauthorized):
        await tokens.authenticate(Credentials(token=jwt.sign(claims_of(ACCOUNT, "web-token"), forger)))
    for other in ("", "abc", jwt.sign({"iss": "https://kubernetes.default.svc"}, KEY)):
        assert await tokens.authenticate(Credentials(token=other)) is None
