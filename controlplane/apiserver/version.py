"""GET /version: upstream's version, with Sampan's own behind the plus sign."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from controlplane.api.version import Info

_MAJOR, _MINOR = "1", "37"


def version_info() -> Info:
    """Return what `kubectl version` shows of the server."""
    try:
        sampan = version("sampan")
    except PackageNotFoundError:  # run from a source tree
        sampan = "0.1.0"
    return Info(
        major=_MAJOR,
        minor=_MINOR,
        emulation_major=_MAJOR,
        emulation_minor=_MINOR,
        min_compatibility_major=_MAJOR,
        min_compatibility_minor=str(int(_MINOR) - 1),
        git_version=f"v{_MAJOR}.{_MINOR}.0+sampan.{sampan}",
        git_commit="",
        git_tree_state="clean",
        go_version=f"python{platform.python_version()}",
        compiler=platform.python_implementation().lower(),
        platform=f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }",
    )
