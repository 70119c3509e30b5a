"""Which requests have served their purpose."""

from __future__ import annotations

from datetime import datetime, timedelta

from controlplane.api.certificates_v1 import CertificateSigningRequest
from controlplane.kit.timestamps import parse_time

# Upstream's: an answer is kept for an hour so that whoever asked can fetch it, a question for a day.
_ANSWERED, _PENDING = timedelta(hours=1), timedelta(hours=24)


def is_stale(request: CertificateSigningRequest, now: datetime) -> bool:
    """Whether nobody will look at the request any more."""
    if not request.status.conditions:
        return _older(request.metadata.creation_timestamp, now, _PENDING)
    if any(one.type in ("Denied", "Failed") for one in request.status.conditions) or request.status.certificate:
        answered = max((one.last_update_time or "" for one in request.status.conditions), default="")
        return _older(answered or request.metadata.creation_timestamp, now, _ANSWERED)
    return _older(request.metadata.creation_timestamp, now, _PENDING)


def _older(since: str | None, now: datetime, limit: timedelta) -> bool:
    return bool(since) and parse_time(since or "") + limit < now
