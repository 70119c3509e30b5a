"""How a webhook is reached: WebhookClientConfig, of admissionregistration.k8s.io and apiextensions.k8s.io alike."""

from __future__ import annotations

from typing import Protocol


class ServiceReference(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def port(self) -> int | None: ...


class ClientConfig(Protocol):
    """By URL or by Service; `ca_bundle` is base64 of PEM."""

    @property
    def ca_bundle(self) -> str: ...
    @property
    def service(self) -> ServiceReference | None: ...
    @property
    def url(self) -> str: ...
