"""Signed tokens: what we sign verifies, and nothing else does."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.auth import jwt

EC = jwt.SigningKey.of(ec.generate_private_key(ec.SECP256R1()))
RSA = jwt.SigningKey.of(rsa.generate_private_key(public_exponent=65537, key_size=2048))
STRANGER = jwt.SigningKey.of(ec.generate_private_key(ec.SECP256R1()))
KEYS = {signing.key_id: signing.key.public_key() for signing in (EC, RSA)}
CLAIMS = {"iss": "me", "sub": "you", "aud": ["them"]}


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def swapped(token: str, index: int, new: str) -> str:
    parts = token.split(".")
    parts[index] = new
    return ".".join(parts)


@pytest.mark.parametrize("signing", [pytest.param(EC, id="ES256"), pytest.param(RSA, id="RS256")])
def test_what_is_signed_verifies(signing: jwt.SigningKey) -> None:
    assert jwt.verify(jwt.sign(CLAIMS, signing), KEYS) == CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(swapped(jwt.sign(CLAIMS, EC), 1, part({**CLAIMS, "sub": "root"})), id="other claims"),
        pytest.param(swapped(jwt.sign(CLAIMS, EC), 0, part({"alg": "none"})), id="no algorithm"),
        pytest.param(swapped(jwt.sign(CLAIMS, EC), 0, part({"alg": "HS256", "kid": EC.key_id})), id="a MAC"),
        pytest.param(
            swapped(jwt.sign(CLAIMS, EC), 0, part({"alg": "RS256", "kid": EC.key_id})), id="another algorithm"
        ),
        pytest.param(
            swapped(jwt.sign(CLAIMS, EC), 0, part({"alg": "ES256", "kid": RSA.key_id})), id="another key's id"
        ),
        pytest.param(swapped(jwt.sign(CLAIMS, EC), 2, ""), id="no signature"),
        pytest.param(swapped(jwt.sign(CLAIMS, EC), 2, "AAAA"), id="a short signature"),
        pytest.param(swapped(jwt.sign(CLAIMS, EC), 2, base64.urlsafe_b64encode(bytes(64)).decode()), id="zeros"),
        pytest.param(jwt.sign(CLAIMS, STRANGER), id="a stranger's key"),
        pytest.param(swapped(jwt.sign(CLAIMS, STRANGER), 0, part({"alg": "ES256"})), id="a stranger's, without an id"),
        pytest.param(jwt.sign(CLAIMS, EC) + "=", id="padding"),
        pytest.param(jwt.sign(CLAIMS, EC) + ".x", id="four parts"),
        pytest.param("abcdef.0123456789abcdef", id="a bootstrap token"),
        pytest.param("", id="nothing"),
        pytest.param("..", id="dots"),
        pytest.param(swapped(jwt.sign(CLAIMS, EC), 0, part([])), id="a header that is no object"),
        pytest.param(
            swapped(jwt.sign(CLAIMS, EC), 0, base64.urlsafe_b64encode(b"[" * 30_000).decode()), id="a deep header"
        ),
    ],
)
def test_what_is_tampered_with_does_not(token: str) -> None:
    with pytest.raises(jwt.InvalidToken):
        jwt.verify(token, KEYS)


@settings(max_examples=60, deadline=None)
@given(position=st.integers(min_value=0, max_value=10_000), bit=st.integers(min_value=0, max_value=6))
def test_any_changed_letter_ends_it(position: int, bit: int) -> None:
    token = jwt.sign(CLAIMS, EC)
    position %= len(token)
    changed = token[:position] + chr(ord(token[position]) ^ (1 << bit)) + token[position + 1 :]
    with pytest.raises(jwt.InvalidToken):
        jwt.verify(changed, KEYS)


@given(st.text(max_size=200))
def test_garbage_is_refused_and_never_breaks_anything(text: str) -> None:
    with pytest.raises(jwt.InvalidToken):
        jwt.verify(text, KEYS)


def test_keys_are_published_as_others_read_them() -> None:
    published = jwt.json_web_key(EC.key.public_key())
    assert published["kid"] == EC.key_id
    assert (published["kty"], published["crv"], published["alg"], published["use"]) == ("EC", "P-256", "ES256", "sig")
    x, y = (int.from_bytes(base64.urlsafe_b64decode(published[axis] + "="), "big") for axis in "xy")
    assert ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key() == EC.key.public_key()
    assert jwt.json_web_key(RSA.key.public_key())["e"] == "AQAB"


def test_a_key_file_may_hold_several_keys_of_both_kinds() -> None:
    public = [
        key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        for key in KEYS.values()
    ]
    private = EC.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    loaded = jwt.load_public_keys(b"".join(public) + private)
    assert [jwt.key_id(key) for key in loaded] == [EC.key_id, RSA.key_id, EC.key_id]


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_files_that_hold_no_key(pem: bytes) -> None:
    with pytest.raises(ValueError):
        jwt.load_public_keys(pem)


def test_another_curve_is_refused() -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="only P-256"):
        jwt.SigningKey.from_pem(pem)
