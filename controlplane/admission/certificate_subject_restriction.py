"""CertificateSubjectRestriction: no certificate by CSR makes its holder system:masters, whom no rule can stop."""

from __future__ import annotations

import base64
import binascii

from controlplane.admission.certificate_approval import GROUP
from controlplane.admission.interface import Attributes, Operation, Plugin

SIGNER = "kubernetes.io/kube-apiserver-client"


class CertificateSubjectRestriction(Plugin):
    """Looks into new requests for client certificates."""

    name = "CertificateSubjectRestriction"
    looks_at = frozenset({"certificatesigningrequests.certificates.k8s.io"})

    async def validate(self, attributes: Attributes) -> None:
        request = attributes.document
        if request is None or not attributes.is_for("certificatesigningrequests", Operation.CREATE, group=GROUP):
            return
        spec = request.get("spec") or {}
        if spec.get("signerName") != SIGNER:
            return
        try:
            organizations = organizations_of(spec.get("request") or "")
        except ValueError as error:
            raise attributes.forbidden(f"failed to parse CSR: {error}") from error
        if "system:masters" in organizations:
            raise attributes.forbidden(f"use of {SIGNER} signer with system:masters group is not allowed")


def organizations_of(request: str) -> list[str]:
    """Return the organizations in a CSR as spec.request holds it: PEM in base64. Raises ValueError."""
    # Only servers that get a CSR need this library here.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        csr = x509.load_pem_x509_csr(base64.b64decode(request, validate=True))
    except binascii.Error as error:
        raise ValueError("not base64") from error
    return [str(one.value) for one in csr.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
