"""GET /version: upstream's version, with Sampan's own behind the plus sign."""

from __future__ import annotations

import platform

from controlplane.api.release import MAJOR, MINOR, VERSION
from controlplane.api.version import Info


def version_info() -> Info:
    """Return what `kubectl version` shows of the server."""
    return Info(
        major=MAJOR,
        minor=MINOR,
        emulation_major=MAJOR,
        emulation_minor=MINOR,
        min_compatibility_major=MAJOR,
        min_compatibility_minor=str(int(MINOR) - 1),
        git_version=VERSION,
        git_commit="",
        git_tree_state="clean",
        go_version=f"python{platform.python_version()}",
        compiler=platform.python_implementation().lower(),
        platform=f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }",
    )
