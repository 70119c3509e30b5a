"""io.k8s.apimachinery.pkg.version: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from controlplane.api.base import KubeStruct


class Info(KubeStruct):
    build_date: str = ""
    compiler: str = ""
    emulation_major: str = ""
    emulation_minor: str = ""
    git_commit: str = ""
    git_tree_state: str = ""
    git_version: str = ""
    go_version: str = ""
    major: str = ""
    min_compatibility_major: str = ""
    min_compatibility_minor: str = ""
    minor: str = ""
    platform: str = ""
