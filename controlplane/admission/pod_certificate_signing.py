"""Who may put a certificate into a pod's request, and from when it is valid.

Upstream has these rules in the kind's storage, so no flag turns them off.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from controlplane.admission.certificate_approval import GROUP
from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.admission.signers import SignerPolicy, may_use
from controlplane.api.codec import Document
from controlplane.api.status import FieldError, invalid
from controlplane.api.validation.errors import forbidden
from controlplane.api.validation.errors import invalid as invalid_value
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import parse_time

_SKEW = timedelta(minutes=5)  # between the signer's clock and ours


class PodCertificateSigning(Plugin):
    """Looks at updates of /status that bring a certificate."""

    name = "PodCertificateSigning"
    looks_at = frozenset({"podcertificaterequests.certificates.k8s.io"})

    def __init__(self, policy: SignerPolicy, clock: Clock):
        self._policy, self._clock = policy, clock

    async def validate(self, attributes: Attributes) -> None:
        if not attributes.is_for("podcertificaterequests", Operation.UPDATE, group=GROUP, subresource="status"):
            return
        new, old = attributes.document or {}, attributes.old or {}
        if _status(new).get("certificateChain") == _status(old).get("certificateChain"):
            return
        if error := await self._mistake(attributes, new, old):
            raise invalid(attributes.resource, attributes.name, [error])

    async def _mistake(self, attributes: Attributes, new: Document, old: Document) -> FieldError | None:
        begins = _status(new).get("notBefore")
        if begins and not _is_near(parse_time(begins), self._clock.now()):
            why = "must be set to within 5 minutes of kube-apiserver's current time"
            return invalid_value("status.notBefore", begins, why)
        signer = (old.get("spec") or {}).get("signerName", "")
        if await may_use(self._policy, attributes.user, "sign", signer):
            return None
        why = f'User "{attributes.user.name}" is not permitted to "sign" for signer "{signer}"'
        return forbidden("spec.signerName", why)


def _status(request: Document) -> Document:
    return request.get("status") or {}


def _is_near(moment: datetime, now: datetime) -> bool:
    return abs(moment - now) < _SKEW
