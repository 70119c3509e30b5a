"""What dynamic admission needs from the rest of the server: the front door hands it over, for rooms do not know it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from controlplane.admission.interface import Attributes, Caller
from controlplane.admission.metrics import AdmissionMetrics
from controlplane.admission.selection import is_exempt
from controlplane.api.admissionregistration_v1 import WebhookClientConfig
from controlplane.api.codec import Document
from controlplane.api.resources import Resource

if TYPE_CHECKING:
    from controlplane.cel.library.authorizer import Answer, Question


class NotYetAnswered(Exception):
    """Only another server knows whether somebody may: await `answer()`, and evaluate again."""

    def __init__(self, question: Question, answer: Callable[[], Awaitable[Answer]]):
        super().__init__("the authorizer has to ask another server first")
        self.question, self.answer = question, answer


class CallFailed(Exception):
    """A webhook could not be reached, or its answer was none; the text says why as upstream's client does."""


class WebhookCaller(Protocol):
    """Sends bytes to webhooks."""

    async def call(self, config: WebhookClientConfig, body: bytes, timeout: float) -> bytes:
        """Return the body of a 2xx answer within `timeout` seconds. Raises CallFailed."""


class Served(Protocol):
    """The resources that are served, their objects and how they are changed."""

    def resource_of(self, api_version: str, kind: str) -> Resource | None:
        """Return the resource of a kind; None: it is not served."""

    def get(self, resource: Resource, namespace: str, name: str) -> Document | None: ...

    def list(self, resource: Resource, namespace: str) -> Sequence[Document]:
        """Return the objects of a namespace, or of all with ""."""

    def equivalents(self, resource: Resource) -> Sequence[Resource]:
        """Return the other resources that the same objects are served as."""

    async def convert(self, document: Document, resource: Resource) -> Document:
        """Return an object as an equivalent resource has it."""

    def patch(self, document: Document, operations: Any) -> Document:
        """Return what a JSON patch makes of an object, which stays as it was. Raises StatusError."""

    def merge(self, resource: Resource, document: Document, configuration: Document) -> Document:
        """Return an object with what a configuration says applied, as by a server-side apply. Raises StatusError."""


Ask = Callable[[Caller, "Question"], "Answer"]
"""Answers whether somebody may do something. Raises NotYetAnswered."""


@dataclass(frozen=True, slots=True)
class Outside:
    """All of it."""

    served: Served
    webhooks: WebhookCaller
    ask: Ask
    metrics: AdmissionMetrics
    new_uid: Callable[[], str]
    awake: Callable[[], bool]  # not while the server writes its own first objects: nobody may keep it from starting

    def concerns(self, attributes: Attributes) -> bool:
        """Return whether webhooks and policies may have a say in a request."""
        return not is_exempt(attributes) and self.awake()
