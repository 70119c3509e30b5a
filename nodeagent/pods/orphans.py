"""What pods that nobody knows any more have left on the node."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from controlplane.api.core_v1 import Pod, PodSpec
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.cri.records import POD_NAME, POD_NAMESPACE, POD_UID, Container, Sandbox
from nodeagent.pods import names
from nodeagent.pods.plan import DEFAULT_GRACE


def stand_in(found: Sandbox | Container) -> Pod:
    """Return a pod without containers, under whose name an orphan's containers can be ended."""
    labels = found.labels
    meta = ObjectMeta(name=labels[POD_NAME], namespace=labels[POD_NAMESPACE], uid=labels[POD_UID])
    return Pod(metadata=meta, spec=PodSpec())


def grace_of(found: Sandbox | Container) -> float:
    """Return the grace period that the pod had, as its containers remember it, in seconds."""
    text = found.annotations.get(names.POD_TERMINATION_GRACE, "")
    return float(text) if text.isdigit() else DEFAULT_GRACE


def log_directories(root: Path, known: Collection[str]) -> list[Path]:
    """Return the log directories of pods whose UID is not among the known ones."""
    if not root.is_dir():
        return []
    return [path for path in root.iterdir() if path.is_dir() and path.name.rpartition("_")[2] not in known]


def remove_dead_links(directory: Path) -> None:
    """Remove links in /var/log/containers whose log is gone."""
    for link in directory.iterdir() if directory.is_dir() else ():
        if link.is_symlink() and not link.exists():
            link.unlink(missing_ok=True)


def remove_logs(root: Path, links: Path, known: Collection[str]) -> None:
    """Remove the logs of unknown pods, and the links to them."""
    for directory in log_directories(root, known):
        shutil.rmtree(directory, ignore_errors=True)
    remove_dead_links(links)


def unknown_cgroups(children: Callable[[str], set[str]], known: Collection[str]) -> list[str]:
    """Return the cgroups of pods whose UID is not among the known ones (cgroupfs driver)."""
    levels = ("/kubepods", "/kubepods/burstable", "/kubepods/besteffort")
    return [
        f"{level}/{child}"
        for level in levels
        for child in sorted(children(level))
        if child.startswith("pod") and child.removeprefix("pod") not in known
    ]
