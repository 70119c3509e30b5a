"""The node's two certificates, asked for through CertificateSigningRequests and asked for again before they end.

The client certificate is who the node is; the serving certificate is what the API server checks when it fetches logs.
Each lives with its key in one PEM file that is replaced in one step, so that readers never see a mismatched pair.
"""

from __future__ import annotations

import base64
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controlplane.api.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.kit.files import write_atomically

log = logging.getLogger(__name__)

CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING_SIGNER = "kubernetes.io/kubelet-serving"
_RETRY = Backoff(first=1.0, cap=60.0, jitter=0.1)
_POLL = Backoff(first=0.1, cap=10.0)  # approval is a controller's, which is quick, or an administrator's, which is not
_LOOK_SECONDS = 600.0  # how often the wall clock is asked whether a certificate is due: it may be set meanwhile
_MISFIT_SECONDS = 3600.0  # before a certificate is asked for again that lacks what was asked for


class CertificateRefused(Exception):
    """The request was denied, or the signer failed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate this node should have."""

    node_name: str
    signer: str
    addresses: tuple[str, ...] = ()  # subject alternative names, for a serving certificate

    @property
    def usages(self) -> list[str]:
        # An EC key signs and never enciphers, so upstream leaves "key encipherment" out.
        return ["digital signature", "client auth" if self.signer == CLIENT_SIGNER else "server auth"]


def render_request(wanted: Wanted, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the PKCS #10 request, as PEM: the subject every node has, system:node:NAME in group system:nodes."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{wanted.node_name}"),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if wanted.addresses:
        builder = builder.add_extension(_alternative_names(wanted), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _alternative_names(wanted: Wanted) -> x509.SubjectAlternativeName:
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in wanted.addresses]
    return x509.SubjectAlternativeName([x509.DNSName(wanted.node_name), *addresses])


async def request_certificate(client: Client, wanted: Wanted, clock: Clock) -> bytes:
    """Return a new certificate with its key, as PEM, once it was approved and signed.

    Raises CertificateRefused, StatusError, Unreachable.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = base64.b64encode(render_request(wanted, key)).decode()
    spec = CertificateSigningRequestSpec(request=request, signer_name=wanted.signer, usages=wanted.usages)
    created = await client.create(CertificateSigningRequest(metadata=ObjectMeta(generate_name="csr-"), spec=spec))
    log.info("certificate request %s: waiting for approval", created.metadata.name)
    certificate = await _issued(client, created.metadata.name, clock)
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate + encoded


async def _issued(client: Client, name: str, clock: Clock) -> bytes:
    for delay in _POLL.delays():
        request = await client.get(CertificateSigningRequest, name)
        for condition in request.status.conditions:
            if condition.type in ("Denied", "Failed"):
                raise CertificateRefused(f"certificate request {name}: {condition.type}: {condition.message}")
        if request.status.certificate:
            return base64.b64decode(request.status.certificate)
        await clock.sleep(delay)
    raise AssertionError("delays never end")


def self_signed(wanted: Wanted, now: datetime) -> bytes:
    """Return a certificate that nobody vouches for, with its key: the server has something to show meanwhile."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{wanted.node_name}@self-signed")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(_alternative_names(wanted), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + encoded


def write_pair(path: Path, pem: bytes) -> None:
    """Replace the file in one step; only root reads it."""
    write_atomically(path, pem, 0o600)


def read_certificate(path: Path) -> x509.Certificate | None:
    """The certificate of a pair, or None where there is none, or nothing that could be one."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        log.warning("%s is no certificate: %s", path, error)
        return None


def rotation_time(certificate: x509.Certificate, random: Random) -> datetime:
    """Return when to ask for the next one: after 70 to 90 % of its life, so that nodes do not ask all at once."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) * (0.7 + 0.2 * random.random())


class Rotation:
    """Keeps one certificate file fresh; `on_change` is told when it was replaced."""

    def __init__(
        self,
        wanted: Wanted,
        path: Path,
        client: Client,
        clock: Clock,
        random: Random,
        on_change: Callable[[], None] = lambda: None,
    ):
        self._wanted, self._path, self._client = wanted, path, client
        self._clock, self._random, self._on_change = clock, random, on_change
        self.renewal_errors = 0

    def issued(self) -> bool:
        """Whether the certificate is one that others believe."""
        return self._usable() is not None

    def expiry(self) -> datetime | None:
        certificate = read_certificate(self._path)
        return certificate.not_valid_after_utc if certificate else None

    async def run(self) -> None:
        """Renew until cancelled; a failure is tried again, for the old certificate still works."""
        while True:
            await self._sleep_until_due()
            await self._until_done()
            if self._usable() is None:
                log.error("%s: the signer left out what was asked for", self._path.name)
                await self._clock.sleep(_MISFIT_SECONDS)

    async def _sleep_until_due(self) -> None:
        certificate = self._usable()
        if certificate is None:
            return
        due = rotation_time(certificate, self._random)
        while (left := (due - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(left, _LOOK_SECONDS))

    def _usable(self) -> x509.Certificate | None:
        """The certificate, if somebody else issued it and it names all our addresses: they may have changed since."""
        certificate = read_certificate(self._path)
        if certificate is None or certificate.issuer == certificate.subject:
            return None
        return certificate if _addresses_of(certificate) >= set(self._wanted.addresses) else None

    async def _renew(self) -> None:
        write_pair(self._path, await request_certificate(self._client, self._wanted, self._clock))
        log.info("%s: new certificate", self._path.name)
        self._on_change()

    async def _until_done(self) -> None:
        for failures, delay in enumerate(_RETRY.delays(self._random)):
            try:
                await self._renew()
                return
            except (StatusError, Unreachable, CertificateRefused, OSError) as error:
                self.renewal_errors += 1
                if not failures:
                    until = self.expiry()
                    log.warning("%s: cannot renew (valid until %s), trying on: %s", self._path.name, until, error)
                await self._clock.sleep(delay)


def _addresses_of(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(address) for address in names.get_values_for_type(x509.IPAddress)}
