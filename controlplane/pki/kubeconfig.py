"""Kubeconfig files that need no other file: certificates and keys are inside."""

from __future__ import annotations

import base64
from typing import Any

import yaml
from cryptography import x509

from controlplane.pki.issue import Pair


def render(
    server: str, ca: bytes, user: str, *, cluster: str = "kubernetes", pair: Pair | None = None, token: str = ""
) -> str:
    """Return a kubeconfig for one user of one cluster, who shows a certificate or a token."""
    context = f"{user}@{cluster}"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster, "cluster": cluster_entry(server, ca)}],
            "contexts": [{"name": context, "context": {"cluster": cluster, "user": user}}],
            "current-context": context,
            "preferences": {},
            "users": [{"name": user, "user": _user_entry(pair, token)}],
        },
        sort_keys=True,
        width=1 << 20,  # base64 on one line, as kubectl writes it
    )


def render_cluster_info(server: str, ca: bytes) -> str:
    """Return the kubeconfig in kube-public/cluster-info: the cluster, and nobody to be in it."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "", "cluster": cluster_entry(server, ca)}],
            "contexts": [],
            "current-context": "",
            "preferences": {},
            "users": [],
        },
        width=1 << 20,
    )


def cluster_entry(server: str, ca: bytes) -> dict[str, str]:
    return {"certificate-authority-data": base64.b64encode(ca).decode(), "server": server}


def _user_entry(pair: Pair | None, token: str) -> dict[str, str]:
    if pair is None:
        return {"token": token}
    return {
        "client-certificate-data": base64.b64encode(pair.certificate_pem).decode(),
        "client-key-data": base64.b64encode(pair.key_pem).decode(),
    }


def client_certificate(text: str) -> x509.Certificate | None:
    """Return the certificate inside a kubeconfig of one user, if it carries one. Raises ValueError."""
    data = _first(text, "users", "user").get("client-certificate-data")
    return x509.load_pem_x509_certificate(base64.b64decode(data)) if data else None


def server_of(text: str) -> str:
    """Return the URL in a kubeconfig of one cluster. Raises ValueError."""
    return str(_first(text, "clusters", "cluster").get("server", ""))


def _first(text: str, plural: str, singular: str) -> dict[str, Any]:
    try:
        loaded: Any = yaml.safe_load(text)
        found: dict[str, Any] = loaded[plural][0][singular]
    except (yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        raise ValueError("not a kubeconfig") from error
    if not isinstance(found, dict):
        raise ValueError("not a kubeconfig")
    return found
