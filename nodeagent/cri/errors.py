"""How the runtime can fail, by what the caller does about it."""

from __future__ import annotations


class RuntimeFailure(Exception):
    """The runtime refused or failed; its own words."""


class Unavailable(RuntimeFailure):
    """containerd is down or restarting: ask again later, nothing is known about containers meanwhile."""


class NotFound(RuntimeFailure):
    """There is no such sandbox, container or image (any more)."""


class TimedOut(RuntimeFailure):
    """The runtime did not finish in the time it was given; a command that was run is killed."""


class ImagePullFailed(RuntimeFailure):
    """The image could not be had; the registry's answer."""


class ImageNotFound(ImagePullFailed):
    """The registry has no such image, or does not say so to us."""
