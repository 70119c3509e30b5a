"""Which Kubernetes this is: the release whose behaviour we have, with our own version behind the plus sign."""

from __future__ import annotations

from importlib.metadata import version

MAJOR, MINOR = "1", "37"
VERSION = f"v{MAJOR}.{MINOR}.0+sampan.{version('sampan')}"
