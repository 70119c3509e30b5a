"""Authorization by webhook: a SubjectAccessReview is sent to another server, whose answer is kept for a while.

{"spec": {"user": "jane", "groups": ["dev"], "resourceAttributes": {"verb": "get", "resource": "pods", ...}}}
{"status": {"allowed": true}}     yes
{"status": {"denied": true}}      no, and nobody after may say yes
{"status": {}}                    no opinion: the next authorizer is asked
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeAlias

import msgspec

from controlplane.api.codec import Document
from controlplane.api.selectors import SelectorError, parse_field_selector, parse_label_selector
from controlplane.auth.interface import AccessRequest, Decision, Unanswered
from controlplane.auth.remote import Unanswering, Webhook
from controlplane.kit.clock import Clock
from controlplane.kit.expiring import ExpiringCache

_log = logging.getLogger(__name__)

_KEPT = 8192  # answers
_LARGEST_KEPT = 10_000  # characters of what a caller can choose; more is not kept, lest callers fill the memory

Matches: TypeAlias = Callable[[Document], bool]
"""Whether a webhook is to be asked about a SubjectAccessReview. Raises ValueError when that cannot be told."""


class Observer(Protocol):
    """Counts what webhooks answer."""

    def asked(self, name: str, result: str, seconds: float) -> None:
        """Note an answer: success, timeout or error."""

    def failed_open(self, name: str, result: str) -> None:
        """Note that a webhook which did not answer was passed over."""


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """How one webhook is used."""

    name: str
    authorized_ttl: float = 300.0  # seconds
    unauthorized_ttl: float = 30.0
    version: str = "v1"  # of authorization.k8s.io that it speaks: v1 or v1beta1
    deny_on_error: bool = False  # no answer is a no, rather than no opinion
    matches: Matches | None = field(default=None, compare=False)


class WebhookAuthorizer:
    """Says what a webhook says."""

    def __init__(self, webhook: Webhook, policy: WebhookPolicy, clock: Clock, observer: Observer):
        self._webhook, self._policy, self._clock, self._observer = webhook, policy, clock, observer
        self._known: ExpiringCache[bytes, Decision] = ExpiringCache(_KEPT, clock)

    def authorize(self, request: AccessRequest) -> Decision:
        spec = review_spec(request)
        if self._policy.matches is not None:
            try:
                if not self._policy.matches({"spec": spec}):
                    return Decision(False)
            except ValueError as error:
                return self._undecided(str(error))
        key = msgspec.json.encode(spec)
        known = self._known.get(key)
        if known is not None:
            return known
        raise Unanswered(partial(self._ask, request, spec, key))

    async def _ask(self, request: AccessRequest, spec: Document, key: bytes) -> Decision:
        began = self._clock.monotonic()
        try:
            decision = decision_of(await self._webhook.status(review(spec, self._policy.version)))
        except Unanswering as error:
            result = "timeout" if error.timed_out else "error"
            self._observer.asked(self._policy.name, result, self._clock.monotonic() - began)
            if not self._policy.deny_on_error:
                self._observer.failed_open(self._policy.name, result)
            return self._undecided(str(error))
        self._observer.asked(self._policy.name, "success", self._clock.monotonic() - began)
        if _chosen_by_caller(request) < _LARGEST_KEPT:
            policy = self._policy
            self._known.put(key, decision, policy.authorized_ttl if decision.allowed else policy.unauthorized_ttl)
        return decision

    def _undecided(self, why: str) -> Decision:
        _log.error("the authorization webhook %s did not decide: %s", self._policy.name, why)
        return Decision(False, denied=self._policy.deny_on_error)


def decision_of(status: Document) -> Decision:
    """Return what a status means; one that allows and denies, denies."""
    reason = str(status.get("reason") or "")
    if status.get("denied"):
        return Decision(False, reason, denied=True)
    return Decision(bool(status.get("allowed")), reason)


def review(spec: Document, version: str) -> Document:
    """Return the SubjectAccessReview to send."""
    if version == "v1beta1":  # in which groups had another name
        spec = {("group" if key == "groups" else key): value for key, value in spec.items()}
    return {
        "kind": "SubjectAccessReview",
        "apiVersion": f"authorization.k8s.io/{version}",
        "metadata": {},
        "spec": spec,
        "status": {"allowed": False},
    }


def review_spec(request: AccessRequest) -> Document:
    """Return the spec of the SubjectAccessReview that a request amounts to."""
    user = request.user
    spec: dict[str, Any] = {}
    if request.is_resource:
        spec["resourceAttributes"] = _resource_attributes(request)
    else:
        spec["nonResourceAttributes"] = _present({"path": request.path, "verb": request.verb})
    extra = {key: list(values) for key, values in user.extra.items()}
    return spec | _present({"user": user.name, "groups": list(user.groups), "extra": extra, "uid": user.uid})


def _resource_attributes(request: AccessRequest) -> Document:
    return _present({
        "namespace": request.namespace,
        "verb": request.verb,
        "group": request.group,
        "version": request.version,
        "resource": request.resource,
        "subresource": request.subresource,
        "name": request.name,
        "fieldSelector": _field_selector(request.field_selector),
        "labelSelector": _label_selector(request.label_selector),
    })  # fmt: skip


def _present(values: Document) -> Document:
    return {key: value for key, value in values.items() if value}


def _field_selector(text: str) -> Document:
    try:
        terms = parse_field_selector(text).terms if text else ()
    except SelectorError:
        return {}  # the request is refused later; until then it is judged as if it asked for everything
    requirements = [
        {"key": term.field, "operator": "In" if term.equal else "NotIn", "values": [term.value]} for term in terms
    ]
    return {"requirements": requirements} if requirements else {}


_OPERATORS = {"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}


def _label_selector(text: str) -> Document:
    try:
        found = parse_label_selector(text).requirements if text else ()
    except SelectorError:
        return {}
    requirements = [
        {"key": one.key, "operator": _OPERATORS[one.operator]} | _present({"values": list(one.values)})
        for one in found
        if one.operator in _OPERATORS  # others only narrow: without them the answer is on the safe side
    ]
    return {"requirements": requirements} if requirements else {}


def _chosen_by_caller(request: AccessRequest) -> int:
    parts = (
        request.namespace, request.verb, request.group, request.version, request.resource, request.subresource,
        request.name, request.path,
    )  # fmt: skip
    return sum(map(len, parts))
