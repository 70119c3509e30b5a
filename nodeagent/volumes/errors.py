"""Why a volume is not there."""

from __future__ import annotations


class VolumeFailed(Exception):
    """A volume cannot be made now; it is tried again, sooner when an object it waits for appears.

    `retry_after` is the most seconds to let pass, for what nobody tells us of; None leaves it to the back-off.
    """

    def __init__(self, message: str, *, retry_after: float | None = None):
        super().__init__(message)
        self.retry_after = retry_after
