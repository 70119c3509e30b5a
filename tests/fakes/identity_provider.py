"""An OpenID Connect provider: keys that it can change, and tokens that it signs."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_HASH = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVE = {"256": (ec.SECP256R1(), "P-256"), "384": (ec.SECP384R1(), "P-384"), "512": (ec.SECP521R1(), "P-521")}


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _integer(value: int) -> str:
    return text_of(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Key:
    """A key of one algorithm; written apart from the server's own code, so that both can be wrong only alone."""

    def __init__(self, algorithm: str, key_id: str):
        self.algorithm, self.id = algorithm, key_id
        self._size = algorithm[2:]
        self._key: Any = (
            ec.generate_private_key(_CURVE[self._size][0])
            if algorithm.startswith("ES")
            else rsa.generate_private_key(65537, 2048)
        )

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        head = {"alg": self.algorithm, "kid": self.id, **header}
        message = ".".join(text_of(json.dumps(part).encode()) for part in (head, claims))
        return f"{message}.{text_of(self._signature(message.encode()))}"

    def _signature(self, message: bytes) -> bytes:
        chosen = _HASH[self._size]
        if self.algorithm.startswith("ES"):
            width = (self._key.curve.key_size + 7) // 8
            r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(chosen)))
            return bytes(r.to_bytes(width, "big") + s.to_bytes(width, "big"))
        if self.algorithm.startswith("PS"):
            pss = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
            return bytes(self._key.sign(message, pss, chosen))
        return bytes(self._key.sign(message, padding.PKCS1v15(), chosen))

    @property
    def public(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        common = {"kid": self.id, "alg": self.algorithm, "use": "sig"}
        if self.algorithm.startswith("ES"):
            width = (self._key.curve.key_size + 7) // 8
            x, y = (text_of(one.to_bytes(width, "big")) for one in (numbers.x, numbers.y))
            return {**common, "kty": "EC", "crv": _CURVE[self._size][1], "x": x, "y": y}
        return {**common, "kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}


class Provider:
    """What it answers by path, and tokens in its name."""

    def __init__(self, issuer: str, *keys: Key):
        self.issuer, self.keys = issuer, list(keys)

    @property
    def answers(self) -> dict[str, Any]:
        return {
            "/.well-known/openid-configuration": lambda _: {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"},
            "/keys": lambda _: {"keys": [key.public for key in self.keys]},
        }

    def token(self, key: Key | None = None, **claims: Any) -> str:
        now = int(time.time())
        standard = {"iss": self.issuer, "aud": "my-cluster", "sub": "248289761001", "iat": now, "exp": now + 600}
        wanted = {name: value for name, value in (standard | claims).items() if value is not None}
        return (key or self.keys[0]).sign(wanted)
