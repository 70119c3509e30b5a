"""What this agent says it is: the Kubernetes version whose behaviour it has, and its own."""

from __future__ import annotations

from importlib.metadata import version

KUBERNETES = "v1.37.0"
VERSION = f"{KUBERNETES}+sampan.{version('sampan')}"
