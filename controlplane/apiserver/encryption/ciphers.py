"""The three ciphers that seal a stored value with a key from a file.

aescbc      IV (16) | AES-CBC of the value, padded by PKCS#7 (RFC 5652, section 6.3)
aesgcm      nonce (12) | AES-GCM of the value | tag (16); bound to the key in the store, so that it opens nowhere else
secretbox   nonce (24) | Poly1305 tag (16) | XSalsa20 of the value: NaCl's crypto_secretbox
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

Entropy: TypeAlias = Callable[[int], bytes]
"""Draws that many bytes which nobody can guess and which never come again."""

_BLOCK = 16
_GCM_NONCE, _GCM_TAG = 12, 16
_TOO_SHORT = "the stored data was shorter than the required size"


class Undecipherable(Exception):
    """The sealed bytes were not made with this key, or have been changed since."""


class Sealing(Protocol):
    """One key in use. `place` is the value's key in the store."""

    def seal(self, value: bytes, place: bytes) -> bytes: ...

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Return the value. Raises Undecipherable."""


class AesCbc:
    """Secret but not authenticated: the oldest provider."""

    def __init__(self, key: bytes, entropy: Entropy):
        self._algorithm, self._entropy = algorithms.AES(key), entropy

    def seal(self, value: bytes, place: bytes) -> bytes:
        vector = self._entropy(_BLOCK)
        padding = _BLOCK - len(value) % _BLOCK
        encryptor = Cipher(self._algorithm, modes.CBC(vector)).encryptor()
        return vector + encryptor.update(value + bytes([padding]) * padding) + encryptor.finalize()

    def open(self, sealed: bytes, place: bytes) -> bytes:
        if len(sealed) < _BLOCK:
            raise Undecipherable(_TOO_SHORT)
        if len(sealed) % _BLOCK:
            raise Undecipherable("the stored data is not a multiple of the block size")
        decryptor = Cipher(self._algorithm, modes.CBC(sealed[:_BLOCK])).decryptor()
        return _without_padding(decryptor.update(sealed[_BLOCK:]) + decryptor.finalize())


def _without_padding(padded: bytes) -> bytes:
    size = padded[-1] if padded else 0
    if not 0 < size <= len(padded):
        raise Undecipherable("invalid PKCS7 data (empty or not padded)")
    if padded[-size:] != bytes([size]) * size:
        raise Undecipherable("invalid padding on input")
    return padded[:-size]


class AesGcm:
    """Secret and authenticated. Nonces are random: a key is good for 2**32 writes (NIST SP 800-38D, section 8.3)."""

    def __init__(self, key: bytes, entropy: Entropy):
        self._cipher, self._entropy = AESGCM(key), entropy

    def seal(self, value: bytes, place: bytes) -> bytes:
        nonce = self._entropy(_GCM_NONCE)
        return nonce + self._cipher.encrypt(nonce, value, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        if len(sealed) < _GCM_NONCE:
            raise Undecipherable(_TOO_SHORT)
        try:
            return self._cipher.decrypt(sealed[:_GCM_NONCE], sealed[_GCM_NONCE:], place)
        except (InvalidTag, ValueError) as error:  # ValueError: not even a tag
            raise Undecipherable("cipher: message authentication failed") from error


class NaclSecretBox:
    """Secret and authenticated, with nonces long enough to be drawn for ever; not bound to the key in the store."""

    def __init__(self, key: bytes, entropy: Entropy):
        self._box, self._entropy = SecretBox(key), entropy

    def seal(self, value: bytes, place: bytes) -> bytes:
        return bytes(self._box.encrypt(value, self._entropy(SecretBox.NONCE_SIZE)))

    def open(self, sealed: bytes, place: bytes) -> bytes:
        if len(sealed) < SecretBox.NONCE_SIZE + SecretBox.MACBYTES:
            raise Undecipherable(_TOO_SHORT)
        try:
            return self._box.decrypt(sealed)
        except CryptoError as error:
            # Upstream's words, whatever they have to do with it.
            raise Undecipherable("output array was not large enough for encryption") from error
