"""The TLS side of the API server, as server to everybody and as client of its nodes."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL: an expired client certificate passes the handshake, so that its owner gets a 401
# that says so instead of a broken connection.
_NO_CHECK_TIME = 0x200000


def server_context(certificate: Path, key: Path, *client_cas: Path | None) -> ssl.SSLContext:
    """Return the context in which clients are served; their certificates, if any, must be of one of `client_cas`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    for client_ca in client_cas:
        if client_ca is not None:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(client_ca)
            context.verify_flags |= _NO_CHECK_TIME
    return context


def root_of(session: Any) -> bytes:
    """Return the CA, as DER, in which a peer's verified chain ends; b"" if the TLS library does not tell.

    Several CAs may be trusted for different things, and only the chain says for which one a certificate counts.
    Python has this since 3.10, under a private name until 3.13.
    """
    chain = getattr(getattr(session, "_sslobj", session), "get_verified_chain", None)
    certificates = chain() if chain is not None else ()
    if not certificates:
        return b""
    root = certificates[-1]
    return root if isinstance(root, bytes) else ssl.PEM_cert_to_DER_cert(root.public_bytes())


def aggregated_context(certificate: Path | None, key: Path | None, ca: bytes, *, verify: bool) -> ssl.SSLContext:
    """Return the context in which an extension API server is called, trusting `ca` (PEM), or the system's if empty."""
    context = ssl.create_default_context(cadata=ca.decode("ascii", "replace")) if ca else ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate is not None and key is not None:
        context.load_cert_chain(certificate, key)
    return context


def unverified_context() -> ssl.SSLContext:
    """Return the context in which pods are called over HTTPS: nobody vouches for their certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def node_context(certificate: Path, key: Path, node_ca: Path | None) -> ssl.SSLContext:
    """Return the context in which nodes are called; without `node_ca` theirs are not verified, as upstream has it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    if node_ca is not None:
        context.load_verify_locations(node_ca)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
