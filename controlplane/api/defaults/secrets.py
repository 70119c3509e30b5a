"""Secrets: plain text becomes data, which is what is stored and shown."""

from __future__ import annotations

import base64

from controlplane.api.codec import Document


def default_secret(secret: Document) -> None:
    secret["type"] = secret.get("type") or "Opaque"
    plain = secret.pop("stringData", None)
    if isinstance(plain, dict) and plain:
        encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in plain.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}
