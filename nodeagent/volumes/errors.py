"""Why a volume is not there."""

from __future__ import annotations


class VolumeFailed(Exception):
    """A volume cannot be made now; it is tried again, sooner when an object it waits for appears."""
