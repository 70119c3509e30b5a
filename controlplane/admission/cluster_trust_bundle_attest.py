"""ClusterTrustBundleAttest: telling whom a signer's certificates lead to takes the verb `attest` on the signer."""

from __future__ import annotations

from controlplane.admission.certificate_approval import GROUP
from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.signers import SignerPolicy, may_use


class ClusterTrustBundleAttest(Plugin):
    """Looks at bundles of a signer that are made or changed; those of nobody are RBAC's alone."""

    name = "ClusterTrustBundleAttest"
    looks_at = frozenset({"clustertrustbundles.certificates.k8s.io"})

    def __init__(self, policy: SignerPolicy):
        self._policy = policy

    async def validate(self, attributes: Attributes) -> None:
        if not attributes.is_for("clustertrustbundles", Operation.CREATE, Operation.UPDATE, group=GROUP):
            return
        spec = (attributes.document or {}).get("spec") or {}
        signer = spec.get("signerName") or ""
        unchanged = attributes.old is not None and attributes.old.get("spec") == spec
        if signer and not unchanged and not await may_use(self._policy, attributes.user, "attest", signer):
            raise attributes.forbidden(f'user not permitted to attest for signerName "{signer}"')
