"""The TLS side of the API server, as server to everybody and as client of its nodes."""

from __future__ import annotations

import ssl
from pathlib import Path

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL: an expired client certificate passes the handshake, so that its owner gets a 401
# that says so instead of a broken connection.
_NO_CHECK_TIME = 0x200000


def server_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """Return the context in which clients are served; their certificates, if any, must be of `client_ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    if client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(client_ca)
        context.verify_flags |= _NO_CHECK_TIME
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
