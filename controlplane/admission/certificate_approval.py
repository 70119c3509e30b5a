"""CertificateApproval: approving a request takes the verb `approve` on its signer."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.signers import SignerPolicy, may_use

GROUP = "certificates.k8s.io"


class CertificateApproval(Plugin):
    """Looks at updates of /approval."""

    name = "CertificateApproval"
    looks_at = frozenset({"certificatesigningrequests.certificates.k8s.io"})

    def __init__(self, policy: SignerPolicy):
        self._policy = policy

    async def validate(self, attributes: Attributes) -> None:
        if not attributes.is_for("certificatesigningrequests", Operation.UPDATE, group=GROUP, subresource="approval"):
            return
        signer = ((attributes.old or {}).get("spec") or {}).get("signerName", "")
        if not await may_use(self._policy, attributes.user, "approve", signer):
            raise attributes.forbidden(f'user not permitted to approve requests with signerName "{signer}"')
