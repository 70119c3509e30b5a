"""The signatures that identity providers use, and keys as they publish them: RFC 7518, RFC 7517.

RS256 RS384 RS512   RSA, PKCS #1 v1.5       PS256 PS384 PS512   RSA, PSS
ES256 ES384 ES512   ECDSA on P-256, P-384, P-521
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_HASHES: Mapping[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES: Mapping[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
_CURVE_OF: Mapping[str, type[ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
}

ALGORITHMS = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")


def verifies(algorithm: str, key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Return whether `key` signed the message this way; a key of another kind did not."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            return _rsa(algorithm, key, message, signature)
        return _ecdsa(algorithm, key, message, signature)
    except InvalidSignature:
        return False


def _rsa(algorithm: str, key: rsa.RSAPublicKey, message: bytes, signature: bytes) -> bool:
    hash_ = _HASHES[algorithm[2:]]
    if algorithm.startswith("RS"):
        key.verify(signature, message, padding.PKCS1v15(), hash_)
        return True
    if algorithm.startswith("PS"):
        pss = padding.PSS(padding.MGF1(hash_), padding.PSS.DIGEST_LENGTH)  # the salt is as long as the hash
        key.verify(signature, message, pss, hash_)
        return True
    return False


def _ecdsa(algorithm: str, key: ec.EllipticCurvePublicKey, message: bytes, signature: bytes) -> bool:
    curve = _CURVE_OF.get(algorithm)
    size = (key.curve.key_size + 7) // 8
    if curve is None or not isinstance(key.curve, curve) or len(signature) != 2 * size:
        return False
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(_HASHES[algorithm[2:]]))
    return True


def key_of(jwk: Mapping[str, Any]) -> PublicKey | None:
    """Return the public key of a JSON Web Key; None for a kind that signs nothing here. Raises ValueError."""
    if jwk.get("kty") == "RSA":
        return rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n")).public_key()
    if jwk.get("kty") == "EC":
        curve = _CURVES.get(str(jwk.get("crv")))
        if curve is None:
            return None
        return ec.EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), curve()).public_key()
    return None


def _number(jwk: Mapping[str, Any], name: str) -> int:
    text = jwk.get(name)
    if not isinstance(text, str):
        raise ValueError(f"the key has no {name}")
    try:
        return int.from_bytes(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), "big")
    except binascii.Error as error:
        raise ValueError(f"{name} of the key is not base64url") from error
