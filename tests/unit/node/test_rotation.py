"""When a certificate is asked for again."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from controlplane.api.certificates_v1 import CertificateSigningRequest
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.node.certificates import SERVING_SIGNER, Rotation, Wanted, read_certificate
from tests.fakes.api import FakeApi

DAY = 86400.0
WANTED = Wanted("n1", SERVING_SIGNER, ("192.0.2.1",))


class SettableClock(ManualClock):
    """Its wall can be set without time passing."""

    offset = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.offset


class Signer(Client):
    """An API server whose signer answers at once, with or without the names that were asked for."""

    def __init__(self, clock: SettableClock):
        super().__init__(FakeApi(clock))
        self.clock, self.with_names, self.signed = clock, True, 0
        self.key = ec.generate_private_key(ec.SECP256R1())

    async def create(self, obj: Any) -> Any:
        assert isinstance(obj, CertificateSigningRequest)
        request = x509.load_pem_x509_csr(base64.b64decode(obj.spec.request))
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
        now = self.clock.now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(issuer)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=100))
        )
        for extension in request.extensions if self.with_names else ():
            builder = builder.add_extension(extension.value, critical=False)
        self.pem = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.signed += 1
        return obj

    async def get(self, type_: Any, name: str, namespace: str = "") -> Any:
        status = CertificateSigningRequest().status
        return CertificateSigningRequest(status=type(status)(certificate=base64.b64encode(self.pem).decode()))


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def signer(clock: SettableClock) -> Signer:
    return Signer(clock)


def a_rotation(path: Path, signer: Signer) -> Rotation:
    return Rotation(WANTED, path / "pair.pem", signer, signer.clock, Random(1))


async def test_the_next_one_is_asked_for_well_before_the_end(tmp_path: Path, signer: Signer) -> None:
    async with running(a_rotation(tmp_path, signer).run()):
        await signer.clock.advance(1)
        assert signer.signed == 1
        await signer.clock.advance(69 * DAY)
        assert signer.signed == 1
        await signer.clock.advance(21 * DAY)
        assert signer.signed == 2


async def test_a_wall_clock_that_is_set_forward_is_noticed(tmp_path: Path, signer: Signer) -> None:
    async with running(a_rotation(tmp_path, signer).run()):
        await signer.clock.advance(1)
        signer.clock.offset = timedelta(days=95)
        await signer.clock.advance(700)
        assert signer.signed == 2


async def test_a_signer_that_leaves_names_out_is_not_asked_in_a_loop(tmp_path: Path, signer: Signer) -> None:
    signer.with_names = False
    async with running(a_rotation(tmp_path, signer).run()):
        await signer.clock.advance(600)
        assert signer.signed == 1


@pytest.mark.parametrize(
    "content", [pytest.param(b"", id="empty, as after a power cut"), pytest.param(b"?", id="noise")]
)
async def test_a_file_that_is_no_certificate_is_replaced(tmp_path: Path, signer: Signer, content: bytes) -> None:
    (tmp_path / "pair.pem").write_bytes(content)
    async with running(a_rotation(tmp_path, signer).run()):
        await signer.clock.advance(1)
        assert read_certificate(tmp_path / "pair.pem") is not None
