"""JSON Web Tokens, signed: RFC 7515, RFC 7518 (RS256 and ES256), and keys as RFC 7517 writes them.

    header.payload.signature, each base64url without padding; the signature covers the first two parts as sent.

Only the two algorithms that upstream issues are accepted, each only with its own kind of key, so that a token cannot
choose how it is checked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Claims: TypeAlias = dict[str, Any]

_P256_BYTES = 32  # of each half of an ES256 signature, and of each coordinate


class InvalidToken(Exception):
    """The token is malformed, or no known key signed it."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the id by which verifiers find its public half."""

    key: PrivateKey
    key_id: str

    @classmethod
    def of(cls, key: PrivateKey) -> SigningKey:
        return cls(key, key_id(key.public_key()))

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Return the key that PEM holds. Raises ValueError."""
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("service account tokens are signed with an RSA or a P-256 key")
        algorithm_of(key.public_key())
        return cls.of(key)


def key_id(key: PublicKey) -> str:
    """Return upstream's key id: the SHA-256 of the public key's DER, in base64url."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _encode(hashlib.sha256(der).digest())


def load_public_keys(pem: bytes) -> list[PublicKey]:
    """Return the public keys of a PEM file, which may hold several, and private ones too. Raises ValueError."""
    keys = [_public(block) for block in _pem_blocks(pem)]
    if not keys:
        raise ValueError("there is no key in the file")
    return keys


def _pem_blocks(pem: bytes) -> list[bytes]:
    blocks, current = [], list[bytes]()
    for line in pem.splitlines():
        if line.startswith(b"-----BEGIN"):
            current = []
        current.append(line)
        if line.startswith(b"-----END") and b"EC PARAMETERS" not in line:
            blocks.append(b"\n".join(current) + b"\n")
    return blocks


def _public(block: bytes) -> PublicKey:
    if b"PRIVATE KEY" in block:
        return SigningKey.from_pem(block).key.public_key()
    key = serialization.load_pem_public_key(block)
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ValueError("service account tokens are verified with RSA or P-256 keys")
    algorithm_of(key)
    return key


def algorithm_of(key: PublicKey) -> str:
    """Return the one algorithm this key is used with. Raises ValueError."""
    if isinstance(key, rsa.RSAPublicKey):
        return "RS256"
    if not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"the curve {key.curve.name} is not supported, only P-256")
    return "ES256"


def sign(claims: Mapping[str, Any], signing: SigningKey) -> str:
    """Return the compact token."""
    header = {"alg": algorithm_of(signing.key.public_key()), "kid": signing.key_id}
    signed = f"{_encode(msgspec.json.encode(header))}.{_encode(msgspec.json.encode(claims))}"
    return f"{signed}.{_encode(_signature(signed.encode(), signing.key))}"


def _signature(message: bytes, key: PrivateKey) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a signed token says; nothing of it is to be believed before the signature is checked."""

    header: Claims
    claims: Claims
    message: bytes  # what is signed
    signature: bytes


def split(token: str) -> Parts:
    """Return the parts of a token. Raises InvalidToken."""
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("a signed token has three parts")
    return Parts(_object(parts[0]), _object(parts[1]), f"{parts[0]}.{parts[1]}".encode(), _decode(parts[2]))


def verify(token: str, keys: Mapping[str, PublicKey]) -> Claims:
    """Return the claims of a token that one of `keys` (by key id) signed. Raises InvalidToken."""
    parts = split(token)
    for key in _candidates(parts.header, keys):
        if parts.header.get("alg") == algorithm_of(key) and _verifies(parts.message, parts.signature, key):
            return parts.claims
    raise InvalidToken("no known key signed this token")


def unverified_claims(token: str) -> Claims:
    """Return what a token claims, to decide who should verify it; believe none of it. Raises InvalidToken."""
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("a signed token has three parts")
    return _object(parts[1])


def _candidates(header: Claims, keys: Mapping[str, PublicKey]) -> Sequence[PublicKey]:
    if "kid" not in header:
        return list(keys.values())
    named = keys.get(header["kid"]) if isinstance(header["kid"], str) else None
    return [named] if named is not None else []


def _verifies(message: bytes, signature: bytes, key: PublicKey) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            return True
        if len(signature) != 2 * _P256_BYTES:
            return False
        r, s = (int.from_bytes(half, "big") for half in (signature[:_P256_BYTES], signature[_P256_BYTES:]))
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def json_web_key(key: PublicKey) -> dict[str, str]:
    """Return a public key as /openid/v1/jwks lists it."""
    common = {"use": "sig", "kid": key_id(key), "alg": algorithm_of(key)}
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {**common, "kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}
    point = key.public_numbers()
    x, y = (_encode(value.to_bytes(_P256_BYTES, "big")) for value in (point.x, point.y))
    return {**common, "kty": "EC", "crv": "P-256", "x": x, "y": y}


def _integer(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidToken("a part of the token is not base64url") from error
    if _encode(decoded) != text:
        # Other texts decode to the same bytes (padding, unused bits); one token must have one spelling.
        raise InvalidToken("a part of the token is not base64url")
    return decoded


def _object(text: str) -> Claims:
    try:
        value = msgspec.json.decode(_decode(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidToken("a part of the token is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidToken("a part of the token is not a JSON object")
    return value
