"""A bearer token where a browser can put it: among the protocols that a WebSocket offers.

Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.c2VjcmV0, v4.channel.k8s.io      the token "secret"

The protocol that carries it is never the one agreed on, so at least one other must be offered.
"""

from __future__ import annotations

import base64
import binascii

from controlplane.api.status import Unauthorized

PREFIX = "base64url.bearer.authorization.k8s.io."


def token_in(protocols: str) -> str:
    """Return the token, "" if there is none. Raises Unauthorized."""
    offered = [one.strip() for one in protocols.split(",")]
    encoded = [one.removeprefix(PREFIX) for one in offered if one.startswith(PREFIX)]
    if not encoded:
        return ""
    if len(encoded) > 1 or len(offered) == len(encoded):
        raise Unauthorized("Unauthorized")
    try:
        text = encoded[0]
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthorized("Unauthorized") from error
