"""EncryptionConfiguration (apiserver.config.k8s.io/v1), read and checked as upstream does.

apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets, '*.example.com']         # '*.' the core group, '*.*' everything; earlier rules win
  providers:
  - aescbc: {keys: [{name: key2, secret: <base64>}, {name: key1, secret: <base64>}]}
  - identity: {}                                # what is not encrypted yet can be read too
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from controlplane.api.configuration import ConfigurationError, aggregate, decode_configuration
from controlplane.apiserver.encryption.ciphers import AesCbc, AesGcm, Entropy, NaclSecretBox, Sealing
from controlplane.apiserver.encryption.envelope import Identity, Keyed, Provider, Transformer

GroupResource: TypeAlias = tuple[str, str]

_EVERYTHING: GroupResource = ("*", "*")
_NO_API = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")
_AES_SIZES, _SECRETBOX_SIZES = (16, 24, 32), (32,)
_NONE_OF_THEM = "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"


class Key(msgspec.Struct, forbid_unknown_fields=True):
    """A named key."""

    name: str = ""
    secret: str = ""


class Keys(msgspec.Struct, forbid_unknown_fields=True):
    """What aescbc, aesgcm and secretbox are given."""

    keys: list[Key] = []


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """What identity is given."""


class ProviderConfiguration(msgspec.Struct, forbid_unknown_fields=True):
    """One provider: exactly one of these."""

    aesgcm: Keys | None = None
    aescbc: Keys | None = None
    secretbox: Keys | None = None
    identity: Nothing | None = None
    kms: dict[str, object] | None = None


class ResourceConfiguration(msgspec.Struct, forbid_unknown_fields=True):
    """Resources, and their providers in order."""

    resources: list[str] = []
    providers: list[ProviderConfiguration] = []


class EncryptionConfiguration(msgspec.Struct, forbid_unknown_fields=True):
    """The file."""

    resources: list[ResourceConfiguration] = []


@dataclass(frozen=True, slots=True)
class Rules:
    """The transformers by group and resource, either of which may be `*`."""

    by_resource: Mapping[GroupResource, Transformer]

    def transformer(self, group: str, plural: str) -> Transformer | None:
        """Return the transformer of a resource; None if no rule names it."""
        rules = self.by_resource
        return rules.get((group, plural)) or rules.get((group, "*")) or rules.get(_EVERYTHING)


def load(text: bytes, file: str, entropy: Entropy) -> Rules:
    """Return the rules that a file holds. Raises ConfigurationError."""
    if not text:
        raise ConfigurationError(
            f'error while parsing file: error while loading file: encryption provider configuration file "{file}" '
            "is empty"
        )
    configuration = _decoded(text, file)
    if problems := list(_problems(configuration)):
        raise ConfigurationError(f"error while parsing file: {aggregate(problems)}")
    return _rules(configuration, entropy)


def _decoded(text: bytes, file: str) -> EncryptionConfiguration:
    try:
        return decode_configuration(text, EncryptionConfiguration, ("apiserver.config.k8s.io/v1",))
    except ConfigurationError as error:
        raise ConfigurationError(
            f'error while parsing file: error decoding encryption provider configuration file "{file}": {error}'
        ) from error


def _rules(configuration: EncryptionConfiguration, entropy: Entropy) -> Rules:
    providers: dict[GroupResource, list[Provider]] = {}
    for rule in configuration.resources:
        made = [_provider(provider, entropy) for provider in rule.providers]
        for name in rule.resources:
            named = parse_group_resource(name)
            for earlier in ((named[0], "*"), _EVERYTHING):
                if earlier in providers:
                    raise ConfigurationError(
                        f'error while building transformers: resource "{_shown(named)}" is masked by earlier rule '
                        f'"{_shown(earlier)}"'
                    )
            providers.setdefault(named, []).extend(made)
    return Rules({named: Transformer(several) for named, several in providers.items()})


def parse_group_resource(name: str) -> GroupResource:
    """Return ("apps", "deployments") for deployments.apps, ("", "*") for `*.`"""
    plural, _, group = name.partition(".")
    return group, plural


def _shown(named: GroupResource) -> str:
    group, plural = named
    return f"{plural}.{group}" if group or plural == "*" else plural


def _provider(given: ProviderConfiguration, entropy: Entropy) -> Provider:
    if given.aescbc is not None:
        return Keyed(b"k8s:enc:aescbc:v1:", _keys(given.aescbc, AesCbc, entropy), "AES")
    if given.aesgcm is not None:
        return Keyed(b"k8s:enc:aesgcm:v1:", _keys(given.aesgcm, AesGcm, entropy), "AES")
    if given.secretbox is not None:
        return Keyed(b"k8s:enc:secretbox:v1:", _keys(given.secretbox, NaclSecretBox, entropy), "Secretbox")
    return Identity()


def _keys(given: Keys, cipher: type[AesCbc | AesGcm | NaclSecretBox], entropy: Entropy) -> list[tuple[str, Sealing]]:
    return [(key.name, cipher(base64.b64decode(key.secret), entropy)) for key in given.keys]


# --- what upstream refuses, in its words

Problem: TypeAlias = str


def _problems(configuration: EncryptionConfiguration) -> Iterator[Problem]:
    if not configuration.resources:
        yield "resources: Required value: at least one resources is required"
    for number, rule in enumerate(configuration.resources):
        resources, providers = f"resources[{number}].resources", f"resources[{number}].providers"
        if not rule.resources:
            yield f"{resources}: Required value: at least one {resources} is required"
        yield from _overlap_problems(rule.resources, resources)
        for position, name in enumerate(rule.resources):
            if problem := name_problem(name):
                yield f"{resources}[{position}]: Invalid value: {json.dumps(name)}: {problem}"
        if not rule.providers:
            yield f"{providers}: Required value: at least one {providers} is required"
        for position, provider in enumerate(rule.providers):
            yield from _provider_problems(provider, f"{providers}[{position}]")


def _overlap_problems(names: Sequence[str], path: str) -> Iterator[Problem]:
    named = [parse_group_resource(name) for name in names]
    shown = json.dumps(list(names), separators=(",", ":"))
    if len(set(named)) < len(named):
        yield f"{path}: Invalid value: {shown}: the same resource cannot be specified multiple times"
    distinct = set(named)
    if (_EVERYTHING in distinct and len(distinct) > 1) or any(
        plural == "*" and sum(other == group for other, _ in distinct) > 1 for group, plural in distinct
    ):
        yield (
            f"{path}: Invalid value: {shown}: using overlapping resources such as 'secrets' and '*.' in the same "
            "resource list is not allowed as they will be masked"
        )


def name_problem(name: str) -> Problem:
    """Return what is wrong with the name of a resource, or nothing."""
    group, plural = parse_group_resource(name)
    if name.lower() != name:
        return "resource name should not contain capital letters"
    if name == "*":
        return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
    if name in _NO_API:
        return "resources which do not have REST API/s cannot be encrypted"
    if group == "events.k8s.io":
        return (
            "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the "
            "config file"
        )
    if group == "extensions":
        return "'extensions' group has been removed and cannot be used for encryption"
    if group == "*" and plural != "*":
        return "encrypting the same resource across groups is not supported"
    return ""


def _provider_problems(provider: ProviderConfiguration, path: str) -> Iterator[Problem]:
    given = [name for name in provider.__struct_fields__ if getattr(provider, name) is not None]
    if len(given) != 1:
        several = "more than one provider specified in a single element, should split into different list elements"
        yield f"{path}: Invalid value: {several if given else _NONE_OF_THEM}"
        return
    if provider.kms is not None:
        yield f"{path}.kms: Forbidden: key management services are not supported"
    for name, sizes in (("aesgcm", _AES_SIZES), ("aescbc", _AES_SIZES), ("secretbox", _SECRETBOX_SIZES)):
        keys: Keys | None = getattr(provider, name)
        if keys is not None:
            yield from _keys_problems(keys, f"{path}.{name}.keys", sizes)


def _keys_problems(keys: Keys, path: str, sizes: Sequence[int]) -> Iterator[Problem]:
    if not keys.keys:
        yield f"{path}: Required value: at least one keys is required"
    for number, key in enumerate(keys.keys):
        if not key.name:
            yield f"{path}[{number}].name: Required value: name is a mandatory field for a key"
        if not key.secret:
            yield f"{path}[{number}].secret: Required value: secret is a mandatory field for a key"
        elif problem := _secret_problem(key.secret, sizes):
            yield f'{path}[{number}].secret: Invalid value: "REDACTED": {problem}'


def _secret_problem(secret: str, sizes: Sequence[int]) -> Problem:
    try:
        size = len(base64.b64decode(secret, validate=True))
    except (binascii.Error, ValueError):
        return "secrets must be base64 encoded"
    if size in sizes:
        return ""
    return f"secret is not of the expected length, got {size}, expected one of [{' '.join(map(str, sizes))}]"
