"""What plug-ins are told by --admission-control-config-file, as values; `cmd/admission.py` reads the file."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.admission.pod_security.policy import DEFAULT_SETTINGS, PodSecuritySettings
from controlplane.api.quota.charge import LimitedResource


@dataclass(frozen=True, slots=True)
class PluginConfiguration:
    """A section per plug-in that has one; without a file all is as upstream's defaults."""

    pod_security: PodSecuritySettings = DEFAULT_SETTINGS
    limited: tuple[LimitedResource, ...] = ()  # ResourceQuota


DEFAULT_CONFIGURATION = PluginConfiguration()
