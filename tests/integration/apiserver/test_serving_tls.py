"""Serving certificates over real connections: by name, by version and cipher, and new ones while the server runs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from controlplane.apiserver.serving_tls import Named, ServingTls, names_of, restricted
from controlplane.apiserver.tls import server_context
from controlplane.kit.clock import ManualClock
from controlplane.pki.issue import Leaf, Pair, issue, new_authority

NOW = datetime.now(UTC)
AUTHORITY = new_authority("the CA", NOW)


def write(directory: Path, name: str, *dns: str, authority: Pair = AUTHORITY) -> Named:
    pair = issue(Leaf(name, (), dns or (f"{name}.example.com",), (), ("server auth",)), authority, NOW)
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    certificate.write_bytes(pair.certificate_pem)
    key.write_bytes(pair.key_pem)
    return Named(certificate, key)


@asynccontextmanager
async def serving(tls: ServingTls) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = writer.get_extra_info("ssl_object").getpeercert(True)
        subject = x509.load_der_x509_certificate(shown).subject.rfc4514_string() if shown else "nobody"
        writer.write(subject.encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def shown(port: int, name: str | None = None, client: ssl.SSLContext | None = None) -> str:
    """Return the common name of the certificate that the server shows."""
    context = client or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "")
    certificate = x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(True))
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def plain(certificate: Path, key: Path) -> ssl.SSLContext:
    return server_context(certificate, key, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "default"),
        ("unknown.example.com", "default"),
        ("one.example.com", "one"),
        ("ONE.example.com", "one"),
        ("a.wild.example.com", "two"),
        ("a.b.wild.example.com", "default"),
    ],
)
async def test_a_certificate_by_name(tmp_path: Path, name: str | None, expected: str) -> None:
    two = write(tmp_path, "two")
    others = [write(tmp_path, "one"), Named(two.certificate, two.key, ("*.wild.example.com",))]
    async with serving(ServingTls(plain, write(tmp_path, "default"), others)) as port:
        assert await shown(port, name) == expected


async def test_changed_files_are_used_for_the_connections_to_come(tmp_path: Path) -> None:
    default = write(tmp_path, "default")
    tls = ServingTls(plain, default, [write(tmp_path, "one")])
    clock = ManualClock()
    following = asyncio.ensure_future(tls.follow(clock))
    await clock.advance(0)
    async with serving(tls) as port:
        new = write(tmp_path, "renewed")
        default.certificate.write_bytes(new.certificate.read_bytes())
        await clock.advance(60)  # the key is still the old one's
        assert await shown(port) == "default"
        default.key.write_bytes(new.key.read_bytes())
        await clock.advance(60)
        assert await shown(port) == "renewed"
        assert await shown(port, "one.example.com") == "one"
    following.cancel()


async def test_a_new_client_ca_is_believed_and_the_old_one_is_not(tmp_path: Path) -> None:
    ca, new_authority_ = tmp_path / "ca.crt", new_authority("another CA", NOW)
    ca.write_bytes(AUTHORITY.certificate_pem)
    tls = ServingTls(lambda c, k: server_context(c, k, ca), write(tmp_path, "default"), watched=[ca])

    async def subject(port: int, authority: Pair) -> str:
        pair = issue(Leaf("jane", (), (), (), ("client auth",)), authority, NOW)
        (tmp_path / "jane.pem").write_bytes(pair.certificate_pem + pair.key_pem)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.load_cert_chain(tmp_path / "jane.pem")
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        try:
            return (await reader.read()).decode() or "refused"
        except (ssl.SSLError, ConnectionError):
            return "refused"
        finally:
            writer.transport.abort()

    async with serving(tls) as port:
        assert await subject(port, AUTHORITY) == "CN=jane"
        assert await subject(port, new_authority_) == "refused"
        ca.write_bytes(new_authority_.certificate_pem)
        tls.look()
        assert await subject(port, new_authority_) == "CN=jane"
        assert await subject(port, AUTHORITY) == "refused"


async def test_versions_and_ciphers(tmp_path: Path) -> None:
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    for minimum, version, agreed in (("VersionTLS12", "TLSv1.2", True), ("VersionTLS13", "TLSv1.2", False)):
        tls = ServingTls(restricted(plain, minimum, [suite]), write(tmp_path, "default"))
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        async with serving(tls) as port:
            if agreed:
                assert await shown(port, None, client) == "default"
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    await shown(port, None, client)
        assert [one["name"] for one in tls.context.get_ciphers() if one["protocol"] == version] == [
            "ECDHE-ECDSA-AES256-GCM-SHA384"
        ]


@pytest.mark.parametrize(
    ("minimum", "ciphers", "why"),
    [("TLS1.2", [], "unknown tls version"), ("", ["TLS_NULL"], "Cipher suite TLS_NULL not supported or doesn't exist")],
)
def test_what_is_unknown_is_refused(minimum: str, ciphers: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        restricted(plain, minimum, ciphers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.crt,a.key", Named(Path("a.crt"), Path("a.key"))),
        ("a.crt, a.key:*.Foo.com,foo.com", Named(Path("a.crt"), Path("a.key"), ("*.foo.com", "foo.com"))),
    ],
)
def test_named_certificates(text: str, expected: Named) -> None:
    assert Named.parse(text) == expected


@pytest.mark.parametrize("text", ["a.crt", ",a.key", "a.crt,", "a.crt:foo.com"])
def test_certificates_without_a_key(text: str) -> None:
    with pytest.raises(ValueError, match="expected comma separated certificate and key file paths"):
        Named.parse(text)


def test_whom_a_certificate_is_made_out_to(tmp_path: Path) -> None:
    assert names_of(write(tmp_path, "x", "A.example.com", "b.example.com").certificate.read_bytes()) == [
        "a.example.com",
        "b.example.com",
    ]
