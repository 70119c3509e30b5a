"""In which order groups and versions are shown: kubectl takes the first that knows a name.

An APIService says it for its own group version; those of the groups that are served here are upstream's numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.api.apiregistration_v1 import APIService
from controlplane.api.version_priority import version_priority

FIRST = "apiregistration.k8s.io"  # has no APIService of its own, and comes before all others
OF_CRDS = (1000, 100)  # group, version

_GROUPS: Mapping[str, int] = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "resource.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "internal.apiserver.k8s.io": 16000,
    "storagemigration.k8s.io": 15800,
    "metrics.k8s.io": 100,  # as metrics-server's own manifest says
}
_VERSIONS: Mapping[tuple[str, str], int] = {
    ("", "v1"): 1,
    ("autoscaling", "v2"): 30,
    ("flowcontrol.apiserver.k8s.io", "v1"): 21,
    ("metrics.k8s.io", "v1beta1"): 100,
}
_VERSION = 15


def builtin_priority(group: str, version: str) -> tuple[int, int] | None:
    """Return the priority of a group and of a version in it; None for what upstream does not know."""
    known = _GROUPS.get(group)
    return None if known is None else (known, _VERSIONS.get((group, version), _VERSION))


@dataclass(frozen=True, slots=True)
class Order:
    """The order of groups and versions that APIServices ask for."""

    groups: Mapping[str, int]
    versions: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, services: Iterable[APIService]) -> Order:
        groups: dict[str, int] = {}
        versions: dict[tuple[str, str], int] = {}
        for service in services:
            spec = service.spec
            groups[spec.group] = max(groups.get(spec.group, 0), spec.group_priority_minimum or 0)
            versions[spec.group, spec.version] = spec.version_priority or 0
        return cls(groups, versions)

    def group_key(self, group: str) -> tuple[bool, int, str]:
        """Return by what groups are sorted."""
        known = builtin_priority(group, "")
        priority = self.groups.get(group, known[0] if known else OF_CRDS[0])
        return group != FIRST, -priority, group

    def sorted_versions(self, group: str, versions: Iterable[str]) -> list[str]:
        """Return the versions of a group in order."""
        return sorted(versions, key=lambda version: self._version_key(group, version))

    def _version_key(self, group: str, version: str) -> tuple[int, tuple[int, int, int, str]]:
        known = builtin_priority(group, version)
        return -self.versions.get((group, version), known[1] if known else OF_CRDS[1]), version_priority(version)
