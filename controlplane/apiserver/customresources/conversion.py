"""From one version of a custom resource to another: by name, or by asking a webhook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from controlplane.admission.outside import CallFailed
from controlplane.api.apiextensions_v1 import CustomResourceDefinition, WebhookClientConfig
from controlplane.api.codec import Document
from controlplane.api.status import InternalError
from controlplane.api.validation.metadata import validate_annotations, validate_labels
from controlplane.apiserver.webhooks.client import WebhookClient

_TIMEOUT = 30.0  # seconds, upstream's
_GROUP = "apiextensions.k8s.io"
_SPOKEN = ("v1", "v1beta1")


class Converter(Protocol):
    """What makes documents of one version of documents of another."""

    @property
    def asks(self) -> bool:
        """Whether somebody else has to be asked, so that it takes a while and may fail."""

    async def convert(self, documents: Sequence[Document], api_version: str) -> Sequence[Document]:
        """Return the documents in another version. Raises StatusError."""


class ByName:
    """The strategy None: versions differ in their name."""

    asks = False

    async def convert(self, documents: Sequence[Document], api_version: str) -> Sequence[Document]:
        return [{**document, "apiVersion": api_version} for document in documents]


class ByWebhook:
    """The strategy Webhook: a ConversionReview tells what an object is in another version.

    The webhook decides over everything but what identifies an object; of its metadata it may change labels and
    annotations.
    """

    asks = True

    def __init__(
        self,
        client: WebhookClient,
        config: WebhookClientConfig,
        review_versions: Sequence[str],
        new_uid: Callable[[], str],
    ):
        self._client, self._config, self._new_uid = client, config, new_uid
        self._version = next((one for one in review_versions if one in _SPOKEN), "")

    async def convert(self, documents: Sequence[Document], api_version: str) -> Sequence[Document]:
        kind = f"{documents[0]['apiVersion']}, Kind={documents[0]['kind']}"
        try:
            converted = await self._ask(documents, api_version)
        except (CallFailed, _Unusable) as error:
            raise InternalError(f"conversion webhook for {kind} failed: {error}") from error
        if len(converted) != len(documents):
            raise InternalError(
                f"conversion webhook for {kind} returned {len(converted)} objects, expected {len(documents)}"
            )
        for index, (before, after) in enumerate(zip(documents, converted, strict=True)):
            try:
                restore(before, after, api_version)
            except _Unusable as error:
                where = f"invalid converted object at index {index}"
                raise InternalError(f"conversion webhook for {kind} returned {where}: {error}") from error
        return converted

    async def _ask(self, documents: Sequence[Document], api_version: str) -> list[Document]:
        if not self._version:
            raise _Unusable("no supported conversion review versions")
        uid = self._new_uid()
        review = {
            "kind": "ConversionReview",
            "apiVersion": f"{_GROUP}/{self._version}",
            "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": documents},
        }
        answer = await self._client.call(self._config, msgspec.json.encode(review), _TIMEOUT)
        return converted_objects(answer, uid, self._version)


class _Unusable(Exception):
    """What a webhook answered cannot be used; the text is upstream's."""


def converter_of(definition: CustomResourceDefinition, client: WebhookClient, new_uid: Callable[[], str]) -> Converter:
    """Return what converts between the versions of a definition."""
    conversion = definition.spec.conversion
    webhook = conversion.webhook if conversion and conversion.strategy == "Webhook" else None
    if webhook is None or webhook.client_config is None:
        return ByName()
    return ByWebhook(client, webhook.client_config, webhook.conversion_review_versions, new_uid)


def converted_objects(answer: bytes, uid: str, version: str) -> list[Document]:
    """Return the objects of a ConversionReview that answers the one of `uid`."""
    try:
        review: Any = msgspec.json.decode(answer)
    except msgspec.DecodeError as error:
        raise _Unusable(f"the answer is no JSON: {error}") from error
    kind = (review.get("apiVersion"), review.get("kind")) if isinstance(review, dict) else ("", "")
    if version == "v1" and kind != (f"{_GROUP}/v1", "ConversionReview"):
        got = f"{kind[0] or '/'}, Kind={kind[1] or ''}"
        raise _Unusable(f"expected webhook response of {_GROUP}/v1, Kind=ConversionReview, got {got}")
    response = review.get("response") if isinstance(review, dict) else None
    if not isinstance(response, dict):
        raise _Unusable("no response provided")
    if version == "v1" and response.get("uid") != uid:
        raise _Unusable(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    result = response.get("result") or {}
    if not isinstance(result, dict):
        raise _Unusable("response.result is no object")
    if result.get("status") != "Success":
        said = f"response.result.status was '{result.get('status') or ''}', not 'Success'"
        raise _Unusable(result.get("message") or said)
    objects = response.get("convertedObjects") or []
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        raise _Unusable("converted objects must be objects")
    return objects


def restore(before: Document, after: Document, api_version: str) -> None:
    """Make sure that a converted object is the one that was sent, and give it back its metadata."""
    if after.get("apiVersion") != api_version:
        raise _Unusable(f"invalid groupVersion (expected {api_version}, received {after.get('apiVersion')})")
    if after.get("kind") != before["kind"]:
        raise _Unusable(f"invalid kind (expected {before['kind']}, received {after.get('kind')})")
    found, original = after.get("metadata"), before["metadata"]
    if not isinstance(found, dict):
        raise _Unusable("missing metadata in converted object")
    for field, shown in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
        if (found.get(field) or "") != (original.get(field) or ""):
            raise _Unusable(f"must have the same {shown}: {original.get(field) or ''} != {found.get(field) or ''}")
    metadata = {key: value for key, value in original.items() if key not in ("labels", "annotations")}
    for field, check in (("labels", validate_labels), ("annotations", validate_annotations)):
        pairs = found.get(field)
        if pairs is None:
            continue
        if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
            raise _Unusable(f"invalid metadata.{field} in converted object")
        if pairs != original.get(field) and (errors := check(pairs, f"metadata.{field}")):
            raise _Unusable(errors[0].text)
        metadata[field] = pairs
    after["metadata"] = metadata
