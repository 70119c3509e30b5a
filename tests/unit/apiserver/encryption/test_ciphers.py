"""What sealed values look like: vectors made by others, round trips, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.apiserver.encryption.ciphers import AesCbc, AesGcm, NaclSecretBox, Sealing, Undecipherable

KEY = b"0123456789abcdef0123456789abcdef"
PLACE = b"/registry/secrets/shop/login"


def drawn(*numbers: bytes):  # type: ignore[no-untyped-def]
    """Return a source of entropy that gives these, in order."""
    left = list(numbers)

    def entropy(size: int) -> bytes:
        number = left.pop(0)
        assert len(number) == size
        return number

    return entropy


def counted():  # type: ignore[no-untyped-def]
    state = [0]

    def entropy(size: int) -> bytes:
        state[0] += 1
        return state[0].to_bytes(size, "big")

    return entropy


CIPHERS = {
    "aescbc": lambda key=KEY: AesCbc(key, counted()),
    "aesgcm": lambda key=KEY: AesGcm(key, counted()),
    "secretbox": lambda key=KEY: NaclSecretBox(key, counted()),
}


def test_cbc_is_what_openssl_makes() -> None:
    # printf '{"apiVersion":"v1","kind":"Secret"}' | openssl enc -aes-256-cbc -K <KEY in hex> -iv 000102…0f
    vector = bytes(range(16))
    sealed = AesCbc(KEY, drawn(vector)).seal(b'{"apiVersion":"v1","kind":"Secret"}', PLACE)
    assert sealed[:16] == vector
    assert (
        sealed[16:].hex()
        == "071bf7d543ac2932c6873496b97c8ac71ac3b905d3ada3f703efa923a58a508d2f47cd48393a4297595d13b75e725ac3"
    )


def test_gcm_is_what_its_authors_published() -> None:
    # McGrew and Viega, The Galois/Counter Mode of Operation, test case 16.
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce, place = bytes.fromhex("cafebabefacedbaddecaf888"), bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    value = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
        "ba637b39"
    )
    assert AesGcm(key, drawn(nonce)).seal(value, place).hex() == (
        "cafebabefacedbaddecaf888"
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
        "bcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )


def test_secretbox_is_what_its_author_published() -> None:
    # Bernstein, Cryptography in NaCl, sections 9 and 10.
    key = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    value = bytes.fromhex(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4"
        "1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52"
        "f0a089bc76897040e082f937763848645e0705"
    )
    assert NaclSecretBox(key, drawn(nonce)).seal(value, PLACE).hex() == (
        "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b"
        "4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da"
        "99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
    )


@pytest.mark.parametrize("name", CIPHERS)
@settings(deadline=None)
@given(value=st.binary(max_size=200))
def test_what_is_sealed_opens(name: str, value: bytes) -> None:
    cipher: Sealing = CIPHERS[name]()
    assert cipher.open(cipher.seal(value, PLACE), PLACE) == value


@pytest.mark.parametrize("name", CIPHERS)
def test_the_same_value_never_looks_the_same(name: str) -> None:
    cipher: Sealing = CIPHERS[name]()
    assert cipher.seal(b"value", PLACE) != cipher.seal(b"value", PLACE)


@pytest.mark.parametrize("name", CIPHERS)
@settings(deadline=None)
@given(junk=st.binary(max_size=80))
def test_junk_is_undecipherable_and_nothing_else(name: str, junk: bytes) -> None:
    try:
        CIPHERS[name]().open(junk, PLACE)
    except Undecipherable:
        return
    assert name == "aescbc"  # which authenticates nothing: junk with a good padding passes


@pytest.mark.parametrize("name", ["aesgcm", "secretbox"])
def test_a_changed_value_does_not_open(name: str) -> None:
    cipher: Sealing = CIPHERS[name]()
    sealed = bytearray(cipher.seal(b"value", PLACE))
    sealed[-1] ^= 1
    with pytest.raises(Undecipherable):
        cipher.open(bytes(sealed), PLACE)


def test_gcm_opens_in_its_own_place_only() -> None:
    cipher = AesGcm(KEY, counted())
    with pytest.raises(Undecipherable, match="cipher: message authentication failed"):
        cipher.open(cipher.seal(b"value", PLACE), b"/registry/secrets/shop/other")


@pytest.mark.parametrize("name", CIPHERS)
def test_short_values_say_so(name: str) -> None:
    with pytest.raises(Undecipherable, match="the stored data was shorter than the required size"):
        CIPHERS[name]().open(b"short", PLACE)
