"""How a machine that knows only an address, a token and a fingerprint becomes a node of the cluster.

    cluster-info (unauthenticated) ──► is its CA the one whose hash we have? ──► token + CA ──► CSR ──► certificate

The hash is of the CA's public key (SubjectPublicKeyInfo, RFC 7469): whoever answers at the address cannot fake it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from controlplane.api.core_v1 import ConfigMap
from controlplane.api.status import StatusError
from controlplane.client.client import Client
from controlplane.client.credentials import Material, TlsSource
from controlplane.client.transport import HttpTransport, Unreachable
from controlplane.kit.clock import Clock
from controlplane.kit.explained import Explained
from nodeagent.node.certificates import CLIENT_SIGNER, CertificateRefused, Wanted, request_certificate

HASH_PREFIX = "sha256:"


class JoinError(Explained):
    """The machine could not join; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """The cluster, once its CA is known to be the right one."""

    server: str
    ca: bytes  # PEM


def public_key_hash(certificate: x509.Certificate) -> str:
    """Return the pin of a CA: sha256:<hex>, as kubeadm prints it."""
    info = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return HASH_PREFIX + hashlib.sha256(info).hexdigest()


async def discover(endpoint: str, pins: tuple[str, ...], clock: Clock) -> Discovered:
    """Ask the server who it is and believe it only if its CA has one of the pinned hashes. Raises JoinError."""
    server = f"https://{endpoint}"
    try:
        async with HttpTransport(server, clock, tls=TlsSource(verify=False), timeout=10) as transport:
            info = await Client(transport).get(ConfigMap, "cluster-info", "kube-public")
    except Unreachable as error:
        raise JoinError(f"no API server answers at {endpoint}: {error}") from error
    except StatusError as error:
        raise JoinError(f"{endpoint} does not publish kube-public/cluster-info: {error.message}") from error
    ca = pinned_ca(info.data.get("kubeconfig", ""), pins)
    await _check_server(server, ca, clock)
    return Discovered(server, ca)


def pinned_ca(kubeconfig: str, pins: tuple[str, ...]) -> bytes:
    """Return the CA in a cluster-info kubeconfig, if it is a pinned one. Raises JoinError."""
    try:
        cluster = yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]
        ca = base64.b64decode(cluster["certificate-authority-data"], validate=True)
        found = public_key_hash(x509.load_pem_x509_certificate(ca))
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError) as error:
        raise JoinError("kube-public/cluster-info holds no usable kubeconfig") from error
    if found not in {pin.lower() for pin in pins}:
        raise JoinError(
            f"the cluster's CA has the hash {found}, not {' or '.join(pins)}: either the hash is of another cluster, "
            "or somebody is between you and the API server"
        )
    return ca


async def _check_server(server: str, ca: bytes, clock: Clock) -> None:
    """The server that showed us the CA must itself have a certificate from it."""
    async with HttpTransport(server, clock, tls=TlsSource(ca=Material(data=ca)), timeout=10) as transport:
        try:
            await transport.request("GET", "/version")
        except Unreachable as error:
            raise JoinError(f"{server} has no certificate from the cluster's CA: {error}") from error


async def obtain_identity(cluster: Discovered, token: str, node_name: str, clock: Clock) -> bytes:
    """Return the node's first client certificate and key, as PEM. Raises JoinError."""
    tls = TlsSource(ca=Material(data=cluster.ca))
    async with HttpTransport(cluster.server, clock, tls=tls, token=lambda: token, timeout=10) as transport:
        try:
            return await request_certificate(Client(transport), Wanted(node_name, CLIENT_SIGNER), clock)
        except Unreachable as error:
            raise JoinError(f"the API server stopped answering: {error}") from error
        except StatusError as error:
            raise JoinError(f"the bootstrap token was not accepted: {error.message}") from error
        except CertificateRefused as error:
            raise JoinError(str(error)) from error


def render_kubeconfig(cluster: Discovered, ca_path: str, identity_path: str) -> str:
    """Return the node's kubeconfig; the certificate stays in its own file, which rotation replaces."""
    user = {"client-certificate": identity_path, "client-key": identity_path}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default", "cluster": {"server": cluster.server, "certificate-authority": ca_path}}],
        "users": [{"name": "default-auth", "user": user}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default-auth"}}],
        "current-context": "default",
    }
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text


def valid_token(token: str) -> bool:
    """Whether it has the form of a bootstrap token: six characters, a dot, sixteen characters."""
    identifier, _, secret = token.partition(".")
    alphabet = set("0123456789abcdefghijklmnopqrstuvwxyz")
    return len(identifier) == 6 and len(secret) == 16 and set(identifier + secret) <= alphabet
