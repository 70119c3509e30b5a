"""Trust bundles, requests for pods' certificates, and what a signer may answer."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.unit.api.test_validation import errors, update_errors
from tests.unit.api.test_validation_groups import Document, status_errors, told

CERTIFICATES = "certificates.k8s.io/v1"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(key: ec.EllipticCurvePrivateKey = KEY, *, ca: bool = False, hours: int = 24) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(BEGIN).not_valid_after(BEGIN + timedelta(hours=hours))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def stub(key: Any = KEY) -> str:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(Encoding.DER)).decode()


CA = certificate(ca=True)


@pytest.mark.parametrize(
    ("name", "spec", "expected"),
    [
        pytest.param("roots", {"trustBundle": CA}, [], id="nobody's"),
        pytest.param("a.io:s:1", {"signerName": "a.io/s", "trustBundle": CA}, [], id="a signer's"),
        pytest.param(
            "a:b",
            {"trustBundle": CA},
            ['metadata.name: Invalid value: "a:b": ClusterTrustBundle without signer name must not have ":" in its'],
            id="a name like a signer's",
        ),
        pytest.param(
            "b",
            {"signerName": "a.io/s", "trustBundle": CA},
            ['metadata.name: Invalid value: "b": ClusterTrustBundle for signerName a.io/s must be named with p'],
            id="a name unlike its signer's",
        ),
        pytest.param(
            "b",
            {"trustBundle": certificate()},
            ['spec.trustBundle: Invalid value: "<value omitted>": entry 0 does not have the CA bit set'],
            id="no authority",
        ),
        pytest.param(
            "b",
            {"trustBundle": CA + CA},
            ['spec.trustBundle: Invalid value: "<value omitted>": duplicate trust anchor (indices [0 1])'],
            id="twice",
        ),
        pytest.param(
            "b",
            {"trustBundle": "-----BEGIN X-----\n\n-----END X-----"},
            ['spec.trustBundle: Invalid value: "<value omitted>": entry 0 has bad block type: X'],
            id="something else",
        ),
        pytest.param(
            "b",
            {},
            ['spec.trustBundle: Invalid value: "<value omitted>": at least one trust anchor must be provided'],
            id="nothing",
        ),
    ],
)
def test_trust_bundles(name: str, spec: Document, expected: list[str]) -> None:
    told(errors(CERTIFICATES, "ClusterTrustBundle", {"metadata": {"name": name}, "spec": spec}), expected)


def test_an_unchanged_bundle_is_not_read_again() -> None:
    bundle = {"spec": {"trustBundle": "of an older release"}}
    assert update_errors(CERTIFICATES, "ClusterTrustBundle", bundle, bundle) == []


SPEC: Document = {
    "signerName": "a.io/s",
    "podName": "p",
    "podUID": "1",
    "serviceAccountName": "a",
    "serviceAccountUID": "2",
    "nodeName": "n",
    "nodeUID": "3",
    "stubPKCS10Request": stub(),
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, [], id="a request"),
        pytest.param({"signerName": ""}, ["spec.signerName: Required value"], id="signer"),
        pytest.param({"podUID": ""}, ['spec.podUID: Invalid value: "": must not be empty'], id="uid"),
        pytest.param(
            {"maxExpirationSeconds": 3599},
            ["spec.maxExpirationSeconds: Invalid value: 3599: must be in the range [3600, 7862400]"],
            id="short",
        ),
        pytest.param(
            {"maxExpirationSeconds": 86401, "signerName": "kubernetes.io/x"},
            ["spec.maxExpirationSeconds: Invalid value: 86401: must be in the range [3600, 86400]"],
            id="longer than Kubernetes signs for",
        ),
        pytest.param(
            {"unverifiedUserAnnotations": {"a": "b"}},
            ['spec.unverifiedUserAnnotations: Invalid value: "a": must be a domain-prefixed key'],
            id="annotations",
        ),
        pytest.param(
            {"stubPKCS10Request": "AAAA"},
            ['spec.stubPKCS10Request: Invalid value: "AAAA": must be a valid PKCS#10 CSR'],
            id="no stub",
        ),
        pytest.param(
            {"stubPKCS10Request": stub(rsa.generate_private_key(65537, 2048))},
            ["spec.stubPKCS10Request: Invalid value: "],
            id="a weak key",
        ),
    ],
)
def test_requests(change: Document, expected: list[str]) -> None:
    told(errors(CERTIFICATES, "PodCertificateRequest", {"spec": {**SPEC, **change}}), expected)


def ended(type_: str, **status: Any) -> Document:
    at = "2026-01-01T00:00:00Z"
    return {"conditions": [{"type": type_, "status": "True", "reason": "R", "lastTransitionTime": at}], **status}


ISSUED = ended(
    "Issued",
    certificateChain=certificate(),
    notBefore="2026-01-01T00:00:00Z",
    notAfter="2026-01-02T00:00:00Z",
    beginRefreshAt="2026-01-01T12:00:00Z",
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({}, ISSUED, [], id="issued"),
        pytest.param({}, ended("Denied"), [], id="denied"),
        pytest.param(
            ended("Denied"),
            ISSUED,
            ["status: Invalid value: immutable after PodCertificateRequest is issued, denied, or failed"],
            id="denied for good",
        ),
        pytest.param(
            {},
            {**ISSUED, **ended("Failed")},
            ["status: Invalid value: non-condition status fields must be empty when denying or failing the PodCert"],
            id="failed with a certificate",
        ),
        pytest.param(
            {},
            {"certificateChain": certificate()},
            ['status: Invalid value: status is immutable unless transitioning to "Issued", "Denied", or "Failed"'],
            id="a certificate without a word",
        ),
        pytest.param(
            {},
            ended("Perhaps"),
            ['status.conditions[0].type: Unsupported value: "Perhaps": supported values: "Issued", "Denied", "Failed"'],
            id="neither",
        ),
        pytest.param(
            {},
            {**ISSUED, "certificateChain": certificate(ec.generate_private_key(ec.SECP256R1()))},
            ["status.certificateChain: Invalid value: "],
            id="somebody else's key",
        ),
        pytest.param(
            {},
            {**ISSUED, "notAfter": "2026-01-03T00:00:00Z"},
            ['status.notAfter: Invalid value: "2026-01-03T00:00:00Z": must be set to the NotAfter time encoded in the'],
            id="another end",
        ),
        pytest.param(
            {},
            {**ISSUED, "beginRefreshAt": "2026-01-01T23:55:00Z"},
            ['status.beginRefreshAt: Invalid value: "2026-01-01T23:55:00Z": must be at least 10 minutes before status'],
            id="refreshed too late",
        ),
        pytest.param(
            {},
            ended("Issued", certificateChain=certificate()),
            ["status.notBefore: Required", "status.notAfter: Required", "status.beginRefreshAt: Required"],
            id="no times",
        ),
    ],
)
def test_answers(old: Document, new: Document, expected: list[str]) -> None:
    before, after = {"spec": SPEC, "status": old}, {"spec": SPEC, "status": new}
    told(status_errors(CERTIFICATES, "PodCertificateRequest", after, before), expected)
