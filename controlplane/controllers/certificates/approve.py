"""Which requests are approved without anybody looking.

    signer                          asked for by                     approved if
    kube-apiserver-client-kubelet   whoever (a bootstrap token)      it may create certificatesigningrequests/nodeclient
    kube-apiserver-client-kubelet   the node the subject names       it may create .../selfnodeclient: a renewal
    kubelet-serving                 the node the subject names       every name in it is an address of that Node

The last row is ours: upstream leaves serving certificates to somebody's hand, or nodes sign their own. See
docs/decisions/0005-kubelet-serving-certificates.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.api.certificates_v1 import CertificateSigningRequest
from controlplane.api.core_v1 import Node
from controlplane.controllers.certificates.requests import (
    KUBELET_CLIENT,
    KUBELET_SERVING,
    NODE_PREFIX,
    NODES,
    wanted_by,
    why_not,
)


@dataclass(frozen=True, slots=True)
class AskForRight:
    """Approve if the requestor may create this subresource of certificatesigningrequests."""

    subresource: str
    message: str


_SELF = AskForRight("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.")
_NODE = AskForRight("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")


def rights_to_ask(request: CertificateSigningRequest) -> tuple[AskForRight, ...]:
    """Return which rights would do, the narrower one first. Raises BadRequestForCertificate."""
    if request.spec.signer_name != KUBELET_CLIENT:
        return ()
    wanted = wanted_by(request)
    if why_not(KUBELET_CLIENT, wanted, request.spec.usages):
        return ()
    return (_SELF, _NODE) if request.spec.username == wanted.common_name else (_NODE,)


def serving_node(request: CertificateSigningRequest) -> str:
    """Return the node that asks for its own serving certificate; "" if this is no such request.

    Raises BadRequestForCertificate.
    """
    spec = request.spec
    if spec.signer_name != KUBELET_SERVING or NODES not in spec.groups:
        return ""
    wanted = wanted_by(request)
    if why_not(KUBELET_SERVING, wanted, spec.usages) or spec.username != wanted.common_name:
        return ""
    return wanted.common_name.removeprefix(NODE_PREFIX)


def foreign_names(request: CertificateSigningRequest, node: Node) -> list[str]:
    """Return the names in a serving request that are not the Node's. Raises BadRequestForCertificate."""
    wanted = wanted_by(request)
    own = {one.address for one in node.status.addresses}
    return [name for name in (*wanted.dns_names, *wanted.addresses) if name not in own]
