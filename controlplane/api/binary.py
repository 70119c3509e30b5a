"""Fields that hold bytes, which the wire carries as base64 text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from controlplane.api.codec import Document
from controlplane.api.resources import Resource

_FIELDS: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("", "ConfigMap"): (("binaryData",),),
    ("", "Secret"): (("data",),),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): (("webhooks", "clientConfig", "caBundle"),),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): (("webhooks", "clientConfig", "caBundle"),),
    ("apiregistration.k8s.io", "APIService"): (("spec", "caBundle"),),
    ("certificates.k8s.io", "CertificateSigningRequest"): (("spec", "request"), ("status", "certificate")),
    ("certificates.k8s.io", "PodCertificateRequest"): (("spec", "stubPKCS10Request"),),
}


def mistake(resource: Resource, document: Document) -> str:
    """Return why some field of a document holds no base64, in the words of Go's decoder; "" if all do."""
    for path in _FIELDS.get((resource.group, resource.kind), ()):
        for text in _texts(document, path):
            if why := _why_not(text):
                return why
    return ""


def _texts(document: Document, path: tuple[str, ...]) -> Iterator[str]:
    """Yield what is at a path: a text, or those in a map; a list on the way is walked through."""
    found: Any = document
    for index, step in enumerate(path):
        if isinstance(found, list):
            for one in found:
                yield from _texts(one, path[index:])
            return
        found = (found or {}).get(step)
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        yield from found.values()


def _why_not(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not even ASCII
        packed = re.sub(r"[\r\n]", "", text)  # which both decoders may meet, and Go skips
        wrong = re.search(r"[^A-Za-z0-9+/=]|=(?=[^=])", packed)
        at = wrong.start() if wrong else len(packed)
        if wrong is None and len(packed) % 4 == 0 and packed != text:
            return ""
        return f"illegal base64 data at input byte {at}"
    return ""
