"""CertificateSigning: putting a certificate into a request takes the verb `sign` on its signer."""

from __future__ import annotations

from controlplane.admission.certificate_approval import GROUP
from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.signers import SignerPolicy, may_use
from controlplane.api.codec import Document


class CertificateSigning(Plugin):
    """Looks at updates of /status that change the certificate or the conditions."""

    name = "CertificateSigning"
    looks_at = frozenset({"certificatesigningrequests.certificates.k8s.io"})

    def __init__(self, policy: SignerPolicy):
        self._policy = policy

    async def validate(self, attributes: Attributes) -> None:
        if not attributes.is_for("certificatesigningrequests", Operation.UPDATE, group=GROUP, subresource="status"):
            return
        old = attributes.old or {}
        if _signed_part(old) == _signed_part(attributes.document or {}):
            return
        signer = (old.get("spec") or {}).get("signerName", "")
        if not await may_use(self._policy, attributes.user, "sign", signer):
            raise attributes.forbidden(f'user not permitted to sign requests with signerName "{signer}"')


def _signed_part(request: Document) -> tuple[str, list[Document]]:
    status = request.get("status") or {}
    return status.get("certificate") or "", status.get("conditions") or []
