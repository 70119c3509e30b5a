"""Kubeconfig files: which server, whom to trust, and who we are.

Several files merge as kubectl merges them: the first to name a cluster, user or context wins, and the first
current-context that is set. Paths in a file are relative to that file.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from controlplane.client.credentials import (
    NOTHING,
    Material,
    TlsSource,
    TokenFile,
    TokenSource,
    no_token,
)
from controlplane.client.metrics import RestClientMetrics
from controlplane.client.transport import HttpTransport
from controlplane.kit.clock import Clock
from controlplane.kit.explained import Explained


class KubeconfigError(Explained):
    """A kubeconfig cannot be read or does not say enough; the message says which and what."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything needed to open a transport."""

    server: str
    ca: Material = NOTHING
    certificate: Material = NOTHING
    key: Material = NOTHING
    token: str = ""
    token_file: str = ""
    verify: bool = True
    server_name: str = ""
    namespace: str = "default"

    def open(
        self,
        clock: Clock,
        *,
        metrics: RestClientMetrics | None = None,
        connections: int = 100,
        timeout: float = 60.0,
    ) -> HttpTransport:
        """Return a transport to the server; the files behind it are read now, so that a bad one is told at once."""
        tls = TlsSource(ca=self.ca, certificate=self.certificate, key=self.key, verify=self.verify)
        if self.server.startswith("https:"):
            tls.context()
        return HttpTransport(
            self.server,
            clock,
            tls=tls if self.server.startswith("https:") else None,
            token=self._token_source(),
            server_name=self.server_name,
            metrics=metrics,
            connections=connections,
            timeout=timeout,
        )

    def _token_source(self) -> TokenSource:
        if self.token_file:
            return TokenFile(self.token_file)
        return (lambda: self.token) if self.token else no_token


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The clusters, users and contexts of one or several files, by name."""

    clusters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    users: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    contexts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    current_context: str = ""

    def connection(self, context: str = "") -> Connection:
        """Return how to connect in `context` (default: the current one). Raises KubeconfigError."""
        name = context or self.current_context
        if not name:
            raise KubeconfigError("the kubeconfig has no current-context")
        chosen = _named(self.contexts, "context", name)
        cluster = _named(self.clusters, "cluster", chosen.get("cluster", ""))
        user = _named(self.users, "user", chosen["user"]) if chosen.get("user") else {}
        return _connection(cluster, user, chosen.get("namespace") or "default", chosen.get("user", ""))


def load(*paths: Path) -> Kubeconfig:
    """Return the merge of these files. Raises KubeconfigError."""
    merged = Kubeconfig()
    for path in paths:
        one = parse(_read(path), path)
        merged = Kubeconfig(
            clusters={**one.clusters, **merged.clusters},
            users={**one.users, **merged.users},
            contexts={**one.contexts, **merged.contexts},
            current_context=merged.current_context or one.current_context,
        )
    return merged


def parse(text: str, path: Path = Path("kubeconfig")) -> Kubeconfig:
    """Return what one file says; relative paths are resolved against the file's folder. Raises KubeconfigError."""
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise KubeconfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise KubeconfigError(f"{path}: not a kubeconfig")
    return Kubeconfig(
        clusters=_section(loaded, "clusters", "cluster", path),
        users=_section(loaded, "users", "user", path),
        contexts=_section(loaded, "contexts", "context", path),
        current_context=loaded.get("current-context") or "",
    )


_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _section(loaded: Mapping[str, Any], plural: str, singular: str, path: Path) -> dict[str, dict[str, Any]]:
    named: dict[str, dict[str, Any]] = {}
    for entry in loaded.get(plural) or []:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise KubeconfigError(f"{path}: every entry of {plural} needs a name")
        value = dict(entry.get(singular) or {})
        for key in _PATHS:
            if value.get(key):
                value[key] = str(path.parent / value[key])
        named.setdefault(entry["name"], value)
    return named


def _named(section: Mapping[str, Mapping[str, Any]], kind: str, name: str) -> Mapping[str, Any]:
    try:
        return section[name]
    except KeyError:
        raise KubeconfigError(f'{kind} "{name}" does not exist in the kubeconfig') from None


def _connection(cluster: Mapping[str, Any], user: Mapping[str, Any], namespace: str, user_name: str) -> Connection:
    if not cluster.get("server"):
        raise KubeconfigError("the cluster of this context names no server")
    for unsupported in ("exec", "auth-provider"):
        if unsupported in user:
            raise KubeconfigError(
                f'user "{user_name}" wants credentials from "{unsupported}", which Sampan does not run: '
                "give it a client certificate or a token"
            )
    connection = Connection(
        server=cluster["server"],
        ca=_material(cluster, "certificate-authority"),
        certificate=_material(user, "client-certificate"),
        key=_material(user, "client-key"),
        token=user.get("token") or "",
        token_file=user.get("tokenFile") or "",
        verify=not cluster.get("insecure-skip-tls-verify"),
        server_name=cluster.get("tls-server-name") or "",
        namespace=namespace,
    )
    if bool(connection.certificate) != bool(connection.key):
        raise KubeconfigError(f'user "{user_name}" needs client-certificate and client-key together')
    return connection if connection.verify else replace(connection, ca=NOTHING)


def _material(section: Mapping[str, Any], name: str) -> Material:
    """Return embedded data if there is any, else the file: the order in which kubectl looks."""
    if data := section.get(f"{name}-data"):
        try:
            return Material(data=base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError) as error:
            raise KubeconfigError(f"{name}-data is not base64") from error
    return Material(path=section.get(name) or "")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise KubeconfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KubeconfigError(f"{path} is not text") from error
