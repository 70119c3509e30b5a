"""The node's two certificates as files, the TLS that its servers share, and what keeps both fresh."""

from __future__ import annotations

import ssl
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

from controlplane.client.client import Client
from controlplane.kit.clock import Clock
from controlplane.kit.serving import server_context
from nodeagent.cmd.config import NodeAgentConfig
from nodeagent.node.certificates import (
    CLIENT_SIGNER,
    SERVING_SIGNER,
    Rotation,
    Wanted,
    read_certificate,
    self_signed,
    write_pair,
)


class NodeCertificates:
    """Who the node is to the API server (`client`), and what its own servers show (`serving`, `tls`)."""

    def __init__(
        self,
        config: NodeAgentConfig,
        name: str,
        addresses: tuple[str, ...],
        client: Client,
        clock: Clock,
        random: Random,
    ):
        directory = Path(config.cert_dir)
        self._serving_file = directory / "kubelet-serving-current.pem"
        wanted = Wanted(name, SERVING_SIGNER, addresses)
        if read_certificate(self._serving_file) is None:
            write_pair(self._serving_file, self_signed(wanted, clock.now()))
        self.tls: ssl.SSLContext = server_context(self._serving_file, self._serving_file, Path(config.client_ca_file))
        self.serving = Rotation(wanted, self._serving_file, client, clock, random, self._renewed)
        client_file = directory / "kubelet-client-current.pem"
        self.client = Rotation(Wanted(name, CLIENT_SIGNER), client_file, client, clock, random)

    def _renewed(self) -> None:
        self.tls.load_cert_chain(self._serving_file)

    def coroutines(self) -> list[Coroutine[Any, Any, None]]:
        """What must run for the certificates to stay fresh."""
        return [self.serving.run(), self.client.run()]
