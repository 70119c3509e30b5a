"""Certificates of authorities that workloads may trust, from ClusterTrustBundles, as one PEM file."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

from controlplane.api.certificates_v1 import ClusterTrustBundle
from controlplane.api.core_v1 import ClusterTrustBundleProjection
from controlplane.api.selectors import label_selector
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.objects import Found, Reference

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s(.*?)-----END CERTIFICATE-----", re.DOTALL)
_LINE = 64  # characters: RFC 7468, section 2


def anchors(wanted: ClusterTrustBundleProjection, objects: Found) -> bytes:
    """Return the certificates that a projection asks for. Raises VolumeFailed."""
    if wanted.name:
        named = objects.get(Reference(ClusterTrustBundle, "", wanted.name))
        chosen = [named] if isinstance(named, ClusterTrustBundle) else []
        missing = f'clustertrustbundle.certificates.k8s.io "{wanted.name}" not found'
    else:
        chosen = select(wanted, (one for one in objects.values() if isinstance(one, ClusterTrustBundle)))
        missing = "combination of signerName and labelSelector matched zero ClusterTrustBundles"
    if not chosen and not wanted.optional:
        raise VolumeFailed(missing)
    return render(one.spec.trust_bundle for one in chosen)


def select(wanted: ClusterTrustBundleProjection, bundles: Iterable[ClusterTrustBundle]) -> list[ClusterTrustBundle]:
    """Return the signer's bundles with the labels asked for: no selector selects none, an empty one all."""
    selector = label_selector(wanted.label_selector)
    return [
        one for one in bundles if one.spec.signer_name == wanted.signer_name and selector.matches(one.metadata.labels)
    ]


def render(texts: Iterable[str]) -> bytes:
    """Return every certificate of the texts once, in an order that depends on the certificates alone."""
    found = {_decode(match[1]) for text in texts for match in _CERTIFICATE.finditer(text)}
    return "".join(map(_encode, sorted(found))).encode()


def _decode(body: str) -> bytes:
    lines = [line for line in body.splitlines() if ":" not in line]  # headers of old are no part of a certificate
    try:
        return base64.b64decode("".join(lines))
    except binascii.Error as error:
        raise VolumeFailed(f"a trust bundle holds a certificate that is not base64: {error}") from error


def _encode(certificate: bytes) -> str:
    text = base64.b64encode(certificate).decode()
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
