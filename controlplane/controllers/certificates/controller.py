"""Three controllers over the same few objects: approver, signer, cleaner."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from msgspec.structs import replace

from controlplane.api.authorization_v1 import ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec
from controlplane.api.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition
from controlplane.api.codec import decode, encode
from controlplane.api.core_v1 import Node
from controlplane.api.status import NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.client.transport import Unreachable
from controlplane.controllers import conditions
from controlplane.controllers.certificates.approve import foreign_names, rights_to_ask, serving_node
from controlplane.controllers.certificates.clean import is_stale
from controlplane.controllers.certificates.requests import is_decided
from controlplane.controllers.certificates.sign import Refused, Signer, awaits_signature, sign
from controlplane.controllers.environment import Environment, synced
from controlplane.kit.timestamps import format_time
from controlplane.pki.csr import BadRequestForCertificate

_log = logging.getLogger(__name__)

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
# Seconds between two sweeps; upstream's number.
_SWEEP = 3600.0


class CsrApprover:
    """Keyed by name."""

    def __init__(self, environment: Environment):
        self._clock = environment.clock
        self._client: Client = environment.client_for("certificate-controller")
        self._queue = environment.queue("certificate")
        self._requests = environment.informers.of(CertificateSigningRequest)
        self._nodes = environment.informers.of(Node)
        self._waiting: dict[str, list[str]] = {}  # what each request waits for, as last said
        self._requests.on_change(self._changed)
        self._nodes.on_change(self._node_changed)

    async def run(self) -> None:
        await synced(self._requests, self._nodes)
        await Reconciler("csrapproving", self.reconcile, self._queue).run()

    def _changed(self, old: CertificateSigningRequest | None, new: CertificateSigningRequest | None) -> None:
        if new is not None and not is_decided(new):
            self._queue.add(new.metadata.name)
        elif old is not None:
            self._waiting.pop(old.metadata.name, None)

    def _node_changed(self, *_: object) -> None:
        """A request may have come before its Node, or before the address it names."""
        for name in self._waiting:
            self._queue.add(name)

    async def reconcile(self, name: str) -> None:
        request = self._requests.lister.get("", name)
        if request is None or is_decided(request) or request.status.certificate:
            return
        try:
            for right in rights_to_ask(request):
                if await self._may(request, right.subresource):
                    await self._approve(request, right.message)
                    return
            await self._serving(request)
        except BadRequestForCertificate as error:
            _log.info("certificate request %s is left to a person: %s", name, error)

    async def _serving(self, request: CertificateSigningRequest) -> None:
        node_name = serving_node(request)
        if not node_name:
            return
        node = self._nodes.lister.get("", node_name)
        foreign = foreign_names(request, node) if node is not None else ["(no such Node yet)"]
        if foreign:
            name = request.metadata.name
            if self._waiting.get(name) != foreign:
                _log.info("certificate request %s waits: not of node %s: %s", name, node_name, foreign)
            self._waiting[name] = foreign  # until a Node changes
            return
        message = "Auto approving kubelet serving certificate: every name in it is an address of its Node."
        await self._approve(request, message)

    async def _may(self, request: CertificateSigningRequest, subresource: str) -> bool:
        spec = request.spec
        attributes = ResourceAttributes(
            group="certificates.k8s.io",
            resource="certificatesigningrequests",
            verb="create",
            subresource=subresource,
        )
        review = SubjectAccessReview(
            api_version="authorization.k8s.io/v1",
            kind="SubjectAccessReview",
            spec=SubjectAccessReviewSpec(
                user=spec.username, uid=spec.uid, groups=spec.groups, extra=spec.extra, resource_attributes=attributes
            ),
        )
        answer = await self._client.request("POST", _REVIEWS, body=encode(review))
        return bool(decode(answer.body, SubjectAccessReview).status.allowed)

    async def _approve(self, request: CertificateSigningRequest, message: str) -> None:
        approved = _with_condition(request, "Approved", "AutoApproved", message, format_time(self._clock.now()))
        await self._client.update(approved, subresource="approval")


class CsrSigner:
    """Keyed by name."""

    def __init__(self, environment: Environment, signers: Mapping[str, Signer], longest: timedelta):
        self._signers, self._longest, self._clock = signers, longest, environment.clock
        self._client: Client = environment.client_for("certificate-controller")
        self._queue = environment.queue("csrsigning")
        self._requests = environment.informers.of(CertificateSigningRequest)
        self._requests.on_change(self._changed)

    async def run(self) -> None:
        await synced(self._requests)
        await Reconciler("csrsigning", self.reconcile, self._queue).run()

    def _changed(self, _: object, new: CertificateSigningRequest | None) -> None:
        if new is not None and awaits_signature(new, self._signers):
            self._queue.add(new.metadata.name)

    async def reconcile(self, name: str) -> None:
        request = self._requests.lister.get("", name)
        if request is None or not awaits_signature(request, self._signers):
            return
        try:
            certificate = sign(request, self._signers[request.spec.signer_name], self._longest)
        except Refused as refusal:
            now = format_time(self._clock.now())
            answered = _with_condition(request, "Failed", "SignerValidationFailure", str(refusal), now)
        else:
            encoded = base64.b64encode(certificate).decode()
            answered = replace(request, status=replace(request.status, certificate=encoded))
        await self._client.update(answered, subresource="status")


class CsrCleaner:
    """One loop over all requests."""

    def __init__(self, environment: Environment):
        self._clock = environment.clock
        self._client: Client = environment.client_for("certificate-controller")
        self._requests = environment.informers.of(CertificateSigningRequest)

    async def run(self) -> None:
        await synced(self._requests)
        while True:
            await self.sweep()
            await self._clock.sleep(_SWEEP)

    async def sweep(self) -> None:
        for request in self._requests.lister.list():
            if not is_stale(request, self._clock.now()):
                continue
            metadata = request.metadata
            try:
                with suppress(NotFound):
                    await self._client.delete(CertificateSigningRequest, metadata.name, uid=metadata.uid)
            except (StatusError, Unreachable) as error:
                _log.info("certificate request %s: again at the next sweep: %s", metadata.name, error)


def _with_condition(
    request: CertificateSigningRequest, type_: str, reason: str, message: str, now: str
) -> CertificateSigningRequest:
    condition = CertificateSigningRequestCondition(
        type=type_, status="True", reason=reason, message=message, last_update_time=now, last_transition_time=now
    )
    found = [*conditions.without(request.status.conditions, type_), condition]
    return replace(request, status=replace(request.status, conditions=found))
