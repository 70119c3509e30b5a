"""Signing with a certificate authority that is at hand, as a pair of files usually."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from controlplane.controllers.certificates import requests
from controlplane.controllers.certificates.sign import Signer
from controlplane.kit.clock import Clock
from controlplane.pki.csr import sign
from controlplane.pki.issue import Pair

_SIGNER_NAMES = (requests.CLIENT, requests.KUBELET_CLIENT, requests.KUBELET_SERVING, requests.LEGACY_UNKNOWN)


@dataclass(frozen=True, slots=True)
class AuthoritySigner:
    """Signs with the cluster's authority."""

    authority: Pair
    clock: Clock

    def sign(self, der: bytes, usages: Sequence[str], duration: timedelta) -> bytes:
        return sign(der, self.authority, usages, duration, self.clock)


def signers_of(authority: Pair, clock: Clock) -> dict[str, Signer]:
    """Return the signer of each of upstream's built-in signer names."""
    return dict.fromkeys(_SIGNER_NAMES, AuthoritySigner(authority, clock))
