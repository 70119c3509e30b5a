"""Cluster trust bundles: certificates of authorities that workloads may trust."""

from __future__ import annotations

import re
from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.certificates_v1 import ClusterTrustBundle
from controlplane.api.status import FieldError
from controlplane.api.validation.certificates import validate_signer_name
from controlplane.api.validation.errors import checked, immutable, invalid, too_long

_LARGEST = 1024 * 1024  # bytes
_OMITTED = "<value omitted>"  # a bundle is too long to be shown
_BLOCK = re.compile(r"-----BEGIN ([^-\n]+)-----\s*\n(.*?)-----END \1-----", re.DOTALL)


def validate_trust_bundle(bundle: ClusterTrustBundle) -> list[FieldError]:
    return [*_validate_names(bundle), *_validate_anchors(bundle.spec.trust_bundle)]


def validate_trust_bundle_update(new: ClusterTrustBundle, old: ClusterTrustBundle) -> list[FieldError]:
    """What does not change is not read again, for the next release may read certificates more strictly."""
    errors = list(_validate_names(new))
    if new.spec.trust_bundle != old.spec.trust_bundle:
        errors += _validate_anchors(new.spec.trust_bundle)
    return errors + immutable("spec.signerName", new.spec.signer_name, old.spec.signer_name)


def _validate_names(bundle: ClusterTrustBundle) -> Iterator[FieldError]:
    name, signer = bundle.metadata.name, bundle.spec.signer_name
    if name:
        yield from checked("metadata.name", name, _name_problems(name, signer))
    if signer:
        yield from validate_signer_name(signer, "spec.signerName")


def _name_problems(name: str, signer: str) -> list[str]:
    if not signer:
        if ":" in name:
            return ['ClusterTrustBundle without signer name must not have ":" in its name']
        return names.dns1123_subdomain(name)
    prefix = signer.replace("/", ":") + ":"
    if not name.startswith(prefix):
        return [f"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}"]
    return names.dns1123_subdomain(name.removeprefix(prefix))


def _validate_anchors(text: str) -> list[FieldError]:
    path = "spec.trustBundle"
    if len(text.encode()) > _LARGEST:
        return [too_long(path, _LARGEST)]
    problems: list[str] = []
    places: dict[bytes, list[int]] = {}
    for index, block in enumerate(_BLOCK.finditer(text)):
        found = _read_anchor(block)
        if isinstance(found, str):
            problems.append(f"entry {index} {found}")
        else:
            places.setdefault(found, []).append(index)
    if not problems and not places:
        problems.append("at least one trust anchor must be provided")
    elif not problems:
        twice = [indices for indices in places.values() if len(indices) > 1]
        problems += [f"duplicate trust anchor (indices [{' '.join(map(str, some))}])" for some in twice]
    return [invalid(path, _OMITTED, problem) for problem in problems]


def _read_anchor(block: re.Match[str]) -> bytes | str:
    """Return the DER of an authority's certificate, or what is wrong with it."""
    from cryptography import x509  # loaded by the first bundle only: it is large
    from cryptography.hazmat.primitives.serialization import Encoding

    if block[1] != "CERTIFICATE":
        return f"has bad block type: {block[1]}"
    if ":" in block[2]:
        return "has PEM block headers"
    try:
        certificate = x509.load_pem_x509_certificate(block[0].encode())
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return "does not have the CA bit set"
    except ValueError:
        return "does not parse as X.509"
    return certificate.public_bytes(Encoding.DER) if constraints.ca else "does not have the CA bit set"
