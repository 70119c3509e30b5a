"""Who is believed: certificates, tokens of every kind, nobody, and acting as somebody else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from controlplane.api.core_v1 import Node, Pod, PodSpec, Secret, ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import BadRequest, Forbidden, Unauthorized
from controlplane.auth import jwt
from controlplane.auth.authenticator import AnonymousPolicy, UnionAuthenticator
from controlplane.auth.bootstrap_token import BootstrapTokens
from controlplane.auth.impersonation import impersonate
from controlplane.auth.interface import AccessRequest, Authenticator, Credentials, Decision, User
from controlplane.auth.policy import bind, role, rule
from controlplane.auth.rbac import RbacAuthorizer
from controlplane.auth.service_account import (
    BoundObject,
    Lifetimes,
    PrivateClaims,
    ServiceAccountTokens,
    TokenIssuer,
    openid_configuration,
    split_username,
)
from controlplane.auth.static_token import StaticTokens, parse_token_file
from controlplane.auth.x509 import UID_ATTRIBUTE, X509Authenticator
from controlplane.kit.clock import ManualClock
from controlplane.kit.timestamps import format_time
from tests.fakes.reader import FakeReader

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
KEY = jwt.SigningKey.of(ec.generate_private_key(ec.SECP256R1()))
ISSUER = "https://kubernetes.default.svc.cluster.local"


# Certificates ---------------------------------------------------------------------------------------------------------


def a_certificate(*attributes: tuple[Any, str], days: int = 1) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), NOW - timedelta(days=1), NOW + timedelta(days=days)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


CN, O = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME  # noqa: E741 - as openssl shows it


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param([(CN, "jane")], User("jane"), id="a user"),
        pytest.param([(CN, "jane"), (O, "dev"), (O, "ops")], User("jane", groups=("dev", "ops")), id="with groups"),
        pytest.param([(CN, "jane"), (UID_ATTRIBUTE, "42")], User("jane", "42"), id="with a uid"),
        pytest.param([(O, "dev")], None, id="a group without a name is nobody"),
    ],
)
async def test_certificates_name_users(attributes: list[tuple[Any, str]], expected: User | None) -> None:
    authenticator = X509Authenticator(ManualClock(NOW))
    assert await authenticator.authenticate(Credentials(a_certificate(*attributes))) == expected


async def test_a_certificate_leaves_its_fingerprint() -> None:
    user = await X509Authenticator(ManualClock(NOW)).authenticate(Credentials(a_certificate((CN, "jane"))))
    assert user is not None
    assert user.extra["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")


async def test_a_certificate_that_ends_while_in_use_is_refused() -> None:
    clock = ManualClock(NOW)
    authenticator, credentials = X509Authenticator(clock), Credentials(a_certificate((CN, "jane"), days=1))
    assert await authenticator.authenticate(credentials) == User("jane")
    await clock.advance(86401)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(credentials)


@pytest.mark.parametrize("der", [b"", b"not a certificate"])
async def test_other_bytes_are_refused(der: bytes) -> None:
    with pytest.raises(Unauthorized):
        await X509Authenticator(ManualClock(NOW)).authenticate(Credentials(der))


# Service account tokens -----------------------------------------------------------------------------------------------

ACCOUNT = ServiceAccount(metadata=ObjectMeta(name="web", namespace="prod", uid="u-web"))
POD = Pod(
    metadata=ObjectMeta(name="web-0", namespace="prod", uid="u-pod"),
    spec=PodSpec(node_name="n1", service_account_name="web"),
)
NODE = Node(metadata=ObjectMeta(name="n1", uid="u-node"))
UNBOUND = PrivateClaims("prod", BoundObject("web", "u-web"))
BOUND = PrivateClaims(
    "prod", BoundObject("web", "u-web"), pod=BoundObject("web-0", "u-pod"), node=BoundObject("n1", "u-node")
)


class World:
    """An issuer and a verifier that share a clock and objects."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.reader = FakeReader(ACCOUNT, POD, NODE)
        self.issuer = TokenIssuer(KEY, ISSUER, [ISSUER], self.clock, lambda: "id-1")
        self.verifier = ServiceAccountTokens([KEY.key.public_key()], [ISSUER], [ISSUER], self.reader, self.clock)

    async def ask(self, token: str) -> User | None:
        return await self.verifier.authenticate(Credentials(token=token))


@pytest.fixture
def world() -> World:
    return World()


async def test_a_token_is_its_account(world: World) -> None:
    user = await world.ask(world.issuer.issue(BOUND, [], 3600).token)
    assert user == User(
        "system:serviceaccount:prod:web", "u-web", ("system:serviceaccounts", "system:serviceaccounts:prod")
    )
    assert user is not None
    assert dict(user.extra) == {
        "authentication.kubernetes.io/credential-id": ("JTI=id-1",),
        "authentication.kubernetes.io/node-name": ("n1",),
        "authentication.kubernetes.io/node-uid": ("u-node",),
        "authentication.kubernetes.io/pod-name": ("web-0",),
        "authentication.kubernetes.io/pod-uid": ("u-pod",),
    }


def again(obj: Any, **changes: Any) -> Any:
    return replace(obj, metadata=replace(obj.metadata, **changes))


DELETED_LONG_AGO = format_time(NOW - timedelta(minutes=2))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda world: world.reader.remove(ACCOUNT), id="the account is gone"),
        pytest.param(lambda world: world.reader.add(again(ACCOUNT, uid="new")), id="the account is another"),
        pytest.param(lambda world: world.reader.remove(POD), id="the pod is gone"),
        pytest.param(lambda world: world.reader.add(again(POD, uid="new")), id="the pod is another"),
        pytest.param(
            lambda world: world.reader.add(again(POD, deletion_timestamp=DELETED_LONG_AGO)), id="the pod should be gone"
        ),
    ],
)
async def test_a_token_dies_with_what_it_names(world: World, change: Any) -> None:
    token = world.issuer.issue(BOUND, [], 3600).token
    assert await world.ask(token) is not None
    change(world)
    with pytest.raises(Unauthorized):
        await world.ask(token)


async def test_a_pod_may_say_goodbye(world: World) -> None:
    world.reader.add(again(POD, deletion_timestamp=format_time(NOW)))
    assert await world.ask(world.issuer.issue(BOUND, [], 3600).token) is not None


async def test_a_token_expires(world: World) -> None:
    token = world.issuer.issue(UNBOUND, [], 600).token
    await world.clock.advance(601)
    with pytest.raises(Unauthorized):
        await world.ask(token)


async def test_the_injected_token_outlives_clients_that_never_read_it_again(world: World) -> None:
    issued = world.issuer.issue(BOUND, [], 3607)
    assert issued.expires == int(NOW.timestamp()) + 3607
    await world.clock.advance(86400 * 300)
    assert await world.ask(issued.token) is not None


@pytest.mark.parametrize(
    ("lifetimes", "claims", "good_for"),
    [
        pytest.param(Lifetimes(), UNBOUND, 3607, id="bound to no pod, it ends when it says"),
        pytest.param(Lifetimes(extend=False), BOUND, 3607, id="--service-account-extend-token-expiration=false"),
        pytest.param(Lifetimes(longest=86400), BOUND, 86400, id="no longer than any may be good"),
    ],
)
async def test_injected_tokens_that_are_not_extended(
    world: World, lifetimes: Lifetimes, claims: PrivateClaims, good_for: int
) -> None:
    world.issuer.lifetimes = lifetimes
    token = world.issuer.issue(claims, [], 3607).token
    await world.clock.advance(good_for - 1)
    assert await world.ask(token) is not None
    await world.clock.advance(2)
    with pytest.raises(Unauthorized):
        await world.ask(token)


async def test_one_for_others_does_not(world: World) -> None:
    token = world.issuer.issue(BOUND, ["vault"], 3607).token
    await world.clock.advance(3608)
    with pytest.raises(Unauthorized):
        world.verifier.believe(token, ["vault"])


async def test_a_token_is_for_its_audience(world: World) -> None:
    token = world.issuer.issue(UNBOUND, ["vault"], 600).token
    with pytest.raises(Unauthorized):
        await world.ask(token)
    assert world.verifier.believe(token, ["vault"]) is not None
    assert world.verifier.audiences_of(token) == ("vault",)


def signed(claims: dict[str, Any]) -> str:
    now = int(NOW.timestamp())
    return jwt.sign({"iss": ISSUER, "aud": [ISSUER], "exp": now + 600, "iat": now, "nbf": now} | claims, KEY)


PRIVATE = {"namespace": "prod", "serviceaccount": {"name": "web", "uid": "u-web"}}
SUBJECT = "system:serviceaccount:prod:web"


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"sub": "system:serviceaccount:prod:root", "kubernetes.io": PRIVATE}, id="another subject"),
        pytest.param({"sub": SUBJECT, "kubernetes.io": PRIVATE, "exp": None}, id="no expiry"),
        pytest.param({"sub": SUBJECT, "kubernetes.io": PRIVATE, "nbf": NOW.timestamp() + 120}, id="not valid yet"),
        pytest.param({"sub": SUBJECT, "kubernetes.io": PRIVATE, "exp": "tomorrow"}, id="an expiry that is no number"),
        pytest.param({"sub": SUBJECT, "kubernetes.io": "web"}, id="claims of another shape"),
    ],
)
async def test_signed_but_wrong(world: World, claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        await world.ask(signed(claims))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(
            signed({"iss": "https://elsewhere", "sub": SUBJECT, "kubernetes.io": PRIVATE}), id="another issuer"
        ),
        pytest.param(signed({"iss": ["a"], "sub": SUBJECT}), id="an issuer that is no text"),
        pytest.param(signed({"sub": SUBJECT}), id="no Kubernetes claims"),
        pytest.param("abcdef.0123456789abcdef", id="a bootstrap token"),
        pytest.param("", id="nothing"),
    ],
)
async def test_tokens_of_another_kind_are_left_to_others(world: World, token: str) -> None:
    assert await world.ask(token) is None


async def test_a_forged_signature_is_refused(world: World) -> None:
    token = world.issuer.issue(UNBOUND, [], 600).token
    with pytest.raises(Unauthorized):
        await world.ask(token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"))


def test_discovery_says_where_the_keys_are() -> None:
    document = openid_configuration(ISSUER, "", [KEY.key.public_key()])
    assert document["jwks_uri"] == f"{ISSUER}/openid/v1/jwks"
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("system:serviceaccount:prod:web", ("prod", "web")),
        ("system:serviceaccount:prod", None),
        ("system:serviceaccount::web", None),
        ("system:node:n1", None),
        ("jane", None),
    ],
)
def test_names_of_service_accounts(name: str, expected: tuple[str, str] | None) -> None:
    assert split_username(name) == expected


# Bootstrap tokens -----------------------------------------------------------------------------------------------------

TOKEN = "abcdef.0123456789abcdef"
DATA = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    "expiration": "2026-11-22T06:30:00Z",
    "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
}


def a_secret(type_: str = "bootstrap.kubernetes.io/token", **changes: str | None) -> Secret:
    data = {key.replace("_", "-"): value for key, value in changes.items()}
    merged = {key: value for key, value in {**DATA, **data}.items() if value is not None}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in merged.items()}
    metadata = ObjectMeta(name="bootstrap-token-abcdef", namespace="kube-system")
    return Secret(metadata=metadata, type=type_, data=encoded)


async def ask_bootstrap(secret: Secret, token: str = TOKEN) -> User | None:
    return await BootstrapTokens(FakeReader(secret), ManualClock(NOW)).authenticate(Credentials(token=token))


@pytest.mark.parametrize(
    ("secret", "groups"),
    [
        pytest.param(
            a_secret(),
            ("system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"),
            id="with an extra group",
        ),
        pytest.param(a_secret(auth_extra_groups=None), ("system:bootstrappers",), id="without"),
        pytest.param(a_secret(auth_extra_groups=None, expiration=None), ("system:bootstrappers",), id="for ever"),
    ],
)
async def test_a_machine_that_joins(secret: Secret, groups: tuple[str, ...]) -> None:
    assert await ask_bootstrap(secret) == User("system:bootstrap:abcdef", groups=groups)


@pytest.mark.parametrize(
    ("secret", "token"),
    [
        pytest.param(a_secret(), "abcdef.0123456789abcdee", id="another secret"),
        pytest.param(a_secret(), "zzzzzz.0123456789abcdef", id="an id that nobody made"),
        pytest.param(a_secret(expiration="2026-11-21T06:30:00Z"), TOKEN, id="expired this second"),
        pytest.param(a_secret(expiration="tomorrow"), TOKEN, id="an expiry that cannot be read"),
        pytest.param(a_secret(usage_bootstrap_authentication="false"), TOKEN, id="only for signing"),
        pytest.param(a_secret(auth_extra_groups="system:masters"), TOKEN, id="a group it may not have"),
        pytest.param(a_secret(type_="Opaque"), TOKEN, id="a Secret of another type"),
        pytest.param(again(a_secret(), deletion_timestamp="2026-11-21T06:00:00Z"), TOKEN, id="being deleted"),
        pytest.param(replace(a_secret(), data={"token-id": "?"}), TOKEN, id="data that is not base64"),
    ],
)
async def test_tokens_that_are_no_good(secret: Secret, token: str) -> None:
    assert await ask_bootstrap(secret, token) is None


# Token file, everybody together, nobody -------------------------------------------------------------------------------


def test_a_token_file() -> None:
    users = parse_token_file('t1,jane,42,"dev,ops"\n# comment\n\nt2,joe,43\n')
    assert users == {"t1": User("jane", "42", ("dev", "ops")), "t2": User("joe", "43")}


@pytest.mark.parametrize("text", ["t1,jane", ",jane,42"])
def test_a_broken_token_file_names_the_line(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        parse_token_file(text)


class Fixed:
    """Knows one answer."""

    def __init__(self, answer: User | Unauthorized | None):
        self.answer = answer

    async def authenticate(self, credentials: Credentials) -> User | None:
        if isinstance(self.answer, Unauthorized):
            raise self.answer
        return self.answer


NO, PASS = Fixed(Unauthorized("Unauthorized")), Fixed(None)
JANE = Fixed(User("jane", groups=("dev",)))


@pytest.mark.parametrize(
    ("authenticators", "credentials", "expected"),
    [
        pytest.param([JANE], Credentials(), User("jane", groups=("dev", "system:authenticated")), id="known"),
        pytest.param(
            [NO, JANE], Credentials(token="t"), User("jane", groups=("dev", "system:authenticated")), id="one says yes"
        ),
        pytest.param(
            [PASS], Credentials(), User("system:anonymous", groups=("system:unauthenticated",)), id="no credentials"
        ),
        pytest.param([PASS], Credentials(token="t"), None, id="a token that nobody knows"),
        pytest.param([NO], Credentials(b"cert"), None, id="a certificate that is no good"),
    ],
)
async def test_everybody_together(
    authenticators: list[Authenticator], credentials: Credentials, expected: User | None
) -> None:
    union = UnionAuthenticator(authenticators)
    if expected is None:
        with pytest.raises(Unauthorized, match="Unauthorized"):
            await union.authenticate(credentials)
    else:
        assert await union.authenticate(credentials) == expected


async def test_anonymous_can_be_switched_off() -> None:
    with pytest.raises(Unauthorized):
        await UnionAuthenticator([PASS], anonymous=AnonymousPolicy(False)).authenticate(Credentials())


async def test_static_tokens() -> None:
    tokens = StaticTokens({"t1": User("jane")})
    assert await tokens.authenticate(Credentials(token="t1")) == User("jane")
    assert await tokens.authenticate(Credentials(token="t2")) is None
    assert await tokens.authenticate(Credentials()) is None


# Impersonation --------------------------------------------------------------------------------------------------------


class AllowAll:
    def authorize(self, request: AccessRequest) -> Decision:
        return Decision(True)


BOSS = User("boss")
AS_JANE = ("Impersonate-User", "jane")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([], BOSS, id="nobody else"),
        pytest.param([AS_JANE], User("jane", groups=("system:authenticated",)), id="a user"),
        pytest.param(
            [AS_JANE, ("Impersonate-Group", "dev"), ("Impersonate-Group", "ops"), ("Impersonate-Uid", "42")],
            User("jane", "42", ("dev", "ops", "system:authenticated")),
            id="groups and uid",
        ),
        pytest.param(
            [("impersonate-user", "system:serviceaccount:prod:web")],
            User(
                "system:serviceaccount:prod:web",
                groups=("system:serviceaccounts", "system:serviceaccounts:prod", "system:authenticated"),
            ),
            id="a service account gets its groups",
        ),
        pytest.param(
            [("Impersonate-User", "system:anonymous")],
            User("system:anonymous", groups=("system:unauthenticated",)),
            id="nobody at all",
        ),
    ],
)
async def test_acting_as(headers: list[tuple[str, str]], expected: User) -> None:
    assert await impersonate(BOSS, headers, AllowAll()) == expected


async def test_extra_keys_are_decoded() -> None:
    user = await impersonate(BOSS, [AS_JANE, ("Impersonate-Extra-Example.com%2Fscope", "all")], AllowAll())
    assert dict(user.extra) == {"example.com/scope": ("all",)}


async def test_groups_alone_make_nobody() -> None:
    with pytest.raises(BadRequest):
        await impersonate(BOSS, [("Impersonate-Group", "system:masters")], AllowAll())


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        pytest.param([("Impersonate-User", "joe")], 'users "joe" is forbidden', id="another user"),
        pytest.param([AS_JANE, ("Impersonate-Group", "system:masters")], 'groups "system:masters"', id="a group"),
        pytest.param([AS_JANE, ("Impersonate-Uid", "1")], 'uids.authentication.k8s.io "1"', id="a uid"),
        pytest.param([AS_JANE, ("Impersonate-Extra-A", "b")], "userextras", id="extra"),
        pytest.param(
            [("Impersonate-User", "system:serviceaccount:prod:web")], 'serviceaccounts "web"', id="a service account"
        ),
    ],
)
async def test_every_part_takes_a_right_of_its_own(headers: list[tuple[str, str]], refused: str) -> None:
    reader = FakeReader(role("as-jane", rule("impersonate", "users", names="jane")), bind("as-jane", users="boss"))
    with pytest.raises(Forbidden, match=refused):
        await impersonate(BOSS, headers, RbacAuthorizer(reader))
