"""Who may use a signer: what the certificate plug-ins share."""

from __future__ import annotations

from typing import Protocol

from controlplane.admission.interface import Caller


class SignerPolicy(Protocol):
    """Asks the authorizer about the virtual resource `signers` of certificates.k8s.io."""

    async def __call__(self, user: Caller, verb: str, name: str) -> bool: ...


async def may_use(policy: SignerPolicy, user: Caller, verb: str, signer: str) -> bool:
    """Return whether `user` may approve or sign for a signer, by its name or by its whole domain (example.com/*)."""
    domain = signer.split("/", 1)[0]
    return await policy(user, verb, signer) or await policy(user, verb, f"{domain}/*")
