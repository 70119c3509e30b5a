"""EncryptionConfiguration: what it means, which key opens and which seals, and what is refused in upstream's words."""

from __future__ import annotations

import base64
import itertools
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from controlplane.api.configuration import ConfigurationError
from controlplane.apiserver.encryption import Transformers, load
from controlplane.apiserver.encryption.ciphers import Undecipherable
from controlplane.apiserver.encryption.configuration import Rules
from controlplane.kit.clock import ManualClock

PLACE = "/registry/secrets/shop/login"
_numbers = itertools.count(1)


def entropy(size: int) -> bytes:
    return next(_numbers).to_bytes(size, "big")


def secret(letter: str, size: int = 32) -> str:
    return base64.b64encode(letter.encode() * size).decode()


def keys(*letters: str) -> dict[str, Any]:
    return {"keys": [{"name": f"key-{letter}", "secret": secret(letter)} for letter in letters]}


def rule(*providers: dict[str, Any], resources: tuple[str, ...] = ("secrets",)) -> dict[str, Any]:
    return {"resources": list(resources), "providers": list(providers)}


def configuration(*rules: dict[str, Any]) -> bytes:
    return msgspec.json.encode(
        {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": list(rules)}
    )


def rules(*given_rules: dict[str, Any]) -> Rules:
    return load(configuration(*given_rules), "enc.yaml", entropy)


IDENTITY: dict[str, Any] = {"identity": {}}
NEW_KEY = rule({"aescbc": keys("b", "a")}, IDENTITY)
OLD_KEY = rule({"aescbc": keys("a")}, IDENTITY)


def transformer(given_rule: dict[str, Any]):  # type: ignore[no-untyped-def]
    found = rules(given_rule).transformer("", "secrets")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("provider", "prefix"),
    [
        ("aescbc", b"k8s:enc:aescbc:v1:key-a:"),
        ("aesgcm", b"k8s:enc:aesgcm:v1:key-a:"),
        ("secretbox", b"k8s:enc:secretbox:v1:key-a:"),
    ],
)
def test_prefixes_are_upstreams(provider: str, prefix: bytes) -> None:
    sealed = transformer(rule({provider: keys("a")})).seal(b"value", PLACE)
    assert sealed.startswith(prefix)
    assert b"value" not in sealed


@pytest.mark.parametrize(
    ("written_under", "read_under", "stale"),
    [
        pytest.param(OLD_KEY, OLD_KEY, False, id="the key in force"),
        pytest.param(OLD_KEY, NEW_KEY, True, id="a key that is being replaced"),
        pytest.param(rule(IDENTITY), NEW_KEY, True, id="from before there was encryption"),
        pytest.param(NEW_KEY, rule(IDENTITY, {"aescbc": keys("b")}), True, id="on the way back to plain"),
        pytest.param(rule({"aesgcm": keys("a")}), rule({"secretbox": keys("b")}, {"aesgcm": keys("a")}), True,
                     id="another provider"),
        pytest.param(OLD_KEY, rule({"aescbc": keys("b")}, {"aescbc": keys("a")}), True, id="two of a provider"),
        pytest.param(rule(IDENTITY), rule(IDENTITY), False, id="plain all along"),
    ],
)  # fmt: skip
def test_any_key_opens_and_the_first_seals(written_under: Any, read_under: Any, stale: bool) -> None:
    opened = transformer(read_under).open(transformer(written_under).seal(b"{}", PLACE), PLACE)
    assert (opened.value, opened.stale) == (b"{}", stale)


@pytest.mark.parametrize(
    ("read_under", "why"),
    [
        pytest.param(rule({"aescbc": keys("z")}), "no matching key was found for the provided AES transformer",
                     id="no key of that name"),
        pytest.param(rule({"aesgcm": keys("a")}), "no matching prefix found", id="another provider"),
        pytest.param(rule(IDENTITY), "no matching prefix found", id="no key at all"),
        pytest.param(rule({"aescbc": {"keys": [{"name": "key-a", "secret": secret("x")}]}}),
                     "invalid padding on input|invalid PKCS7 data", id="another key of the name"),
    ],
)  # fmt: skip
def test_what_no_key_opens(read_under: Any, why: str) -> None:
    stored = bytes.fromhex("6b38733a656e633a6165736362633a76313a6b65792d613a") + bytes(range(48))
    with pytest.raises(Undecipherable, match=why):
        transformer(read_under).open(stored, PLACE)


@settings(deadline=None)
@given(value=st.binary(max_size=60), provider=st.sampled_from(["aescbc", "aesgcm", "secretbox"]))
def test_round_trip(value: bytes, provider: str) -> None:
    sealing = transformer(rule({provider: keys("a", "b")}, IDENTITY))
    assert sealing.open(sealing.seal(value, PLACE), PLACE).value == value


@settings(deadline=None)
@given(junk=st.binary(max_size=80), prefix=st.sampled_from([b"", b"k8s:enc:", b"k8s:enc:aescbc:v1:key-a:"]))
def test_junk_never_breaks_more_than_itself(junk: bytes, prefix: bytes) -> None:
    with suppress(Undecipherable):
        transformer(rule({"aescbc": keys("a")}, {"aesgcm": keys("a")}, IDENTITY)).open(prefix + junk, PLACE)


EVERYTHING = (
    rule(IDENTITY, resources=("events", "pods")),
    rule({"aescbc": keys("a")}, resources=("secrets", "widgets.example.com")),
    rule({"aesgcm": keys("a")}, resources=("*.apps",)),
    rule({"secretbox": keys("a")}, resources=("*.*",)),
)


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        ("/registry/secrets/shop/login", "k8s:enc:aescbc:v1:"),
        ("/registry/deployments/shop/web", "k8s:enc:aesgcm:v1:"),
        ("/registry/events/shop/web.1", "identity"),
        ("/registry/pods/shop/web-0", "identity"),
        ("/registry/minions/n1", "k8s:enc:secretbox:v1:"),
        ("/registry/services/specs/shop/web", "k8s:enc:secretbox:v1:"),
        ("/registry/example.com/widgets/shop/w1", "k8s:enc:aescbc:v1:"),
        ("/registry/example.com/gadgets/g1", "k8s:enc:secretbox:v1:"),
        ("/registry/ranges/serviceips", None),
    ],
)
def test_keys_of_the_store_find_their_rule(key: str, prefix: str | None) -> None:
    registry = CollectorRegistry()
    found = Transformers(rules(*EVERYTHING), registry, ManualClock()).of(key)
    if prefix is None:
        assert found is None
        return
    assert found is not None
    sealed = found.seal(b"{}", key)
    assert sealed == b"{}" if prefix == "identity" else sealed.startswith(prefix.encode())
    labels = {"transformation_type": "to_storage", "transformer_prefix": prefix}
    assert registry.get_sample_value("apiserver_storage_transformation_duration_seconds_count", labels) == 1


def test_a_resource_without_a_rule_is_left_alone() -> None:
    assert Transformers(rules(OLD_KEY), CollectorRegistry(), ManualClock()).of("/registry/pods/shop/web-0") is None


def test_failures_are_counted() -> None:
    registry = CollectorRegistry()
    found = Transformers(rules(OLD_KEY), registry, ManualClock()).of(PLACE)
    assert found is not None
    with pytest.raises(Undecipherable):
        found.open(b"k8s:enc:aescbc:v1:other:xxx", PLACE)
    labels = {"resource": "secrets", "transformation_type": "from_storage", "transformer_prefix": "k8s:enc:aescbc:v1:"}
    operations = "apiserver_storage_transformation_operations_total"
    assert registry.get_sample_value(operations, {**labels, "status": "unknown-non-grpc"}) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(b"", r'"enc.yaml" is empty', id="empty"),
        pytest.param(b"kind: [", "error decoding", id="no YAML"),
        pytest.param(b"apiVersion: v1\nkind: EncryptionConfig\n",
                     'no kind "EncryptionConfig" is registered for version "v1"', id="another kind"),
        pytest.param(configuration(rule(IDENTITY)).replace(b'"providers"', b'"provider"'),
                     "strict decoding error.*provider", id="a typing error"),
        pytest.param(configuration(), "resources: Required value: at least one resources is required", id="no rule"),
        pytest.param(configuration(rule()),
                     r"resources\[0\].providers: Required value: at least one resources\[0\].providers is required",
                     id="no provider"),
        pytest.param(configuration(rule({"aescbc": {"keys": []}})),
                     r"resources\[0\].providers\[0\].aescbc.keys: Required value: at least one keys is required",
                     id="no key"),
        pytest.param(configuration(rule({"aescbc": {"keys": [{"name": "a", "secret": secret("a", 5)}]}})),
                     r'aescbc.keys\[0\].secret: Invalid value: "REDACTED": secret is not of the expected length, got '
                     r"5, expected one of \[16 24 32\]", id="a short key"),
        pytest.param(configuration(rule({"secretbox": {"keys": [{"name": "a", "secret": secret("a", 16)}]}})),
                     r"got 16, expected one of \[32\]", id="a short key for secretbox"),
        pytest.param(configuration(rule({"aescbc": {"keys": [{"name": "a", "secret": "not base64!"}]}})),
                     "secrets must be base64 encoded", id="no base64"),
        pytest.param(configuration(rule({"aescbc": {"keys": [{"secret": secret("a")}]}})),
                     r"keys\[0\].name: Required value: name is a mandatory field for a key", id="no name"),
        pytest.param(configuration(rule({"identity": {}, "aescbc": keys("a")})),
                     "more than one provider specified in a single element", id="two in one"),
        pytest.param(configuration(rule({})), "provider does not contain any of the expected providers", id="none"),
        pytest.param(configuration(rule({"kms": {"name": "vault"}})), "key management services are not supported",
                     id="KMS"),
        pytest.param(configuration(rule(IDENTITY, resources=("Secrets",))),
                     "resource name should not contain capital letters", id="capitals"),
        pytest.param(configuration(rule(IDENTITY, resources=("*",))), r"use '\*.' to encrypt all", id="a lone star"),
        pytest.param(configuration(rule(IDENTITY, resources=("events.events.k8s.io",))), "Use 'events' instead",
                     id="events of the new group"),
        pytest.param(configuration(rule(IDENTITY, resources=("secrets.*",))),
                     "encrypting the same resource across groups is not supported", id="across groups"),
        pytest.param(configuration(rule(IDENTITY, resources=("secrets", "*."))), "using overlapping resources",
                     id="overlapping"),
        pytest.param(configuration(rule(IDENTITY, resources=("secrets", "secrets"))),
                     "the same resource cannot be specified multiple times", id="twice"),
        pytest.param(configuration(rule(IDENTITY, resources=("*.*",)), rule(IDENTITY)),
                     r'resource "secrets" is masked by earlier rule "\*.\*"', id="masked by everything"),
        pytest.param(configuration(rule(IDENTITY, resources=("*.",)), rule(IDENTITY)),
                     r'resource "secrets" is masked by earlier rule "\*."', id="masked by the core group"),
    ],
)  # fmt: skip
def test_what_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        load(text, "enc.yaml", entropy)
