"""What a controller reads from a refusal."""

from __future__ import annotations

from controlplane.api.status import StatusError


def namespace_is_terminating(error: Exception) -> bool:
    """Nothing can be created there any more, so it is neither worth another try nor worth telling anybody."""
    details = error.details if isinstance(error, StatusError) else None
    return details is not None and any(cause.reason == "NamespaceTerminating" for cause in details.causes)
