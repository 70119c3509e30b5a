"""Where in the cgroup tree a pod lives: by quality of service, then by pod.

cgroupfs   /kubepods/burstable/pod3f2a-…                 (guaranteed pods directly below /kubepods)
systemd    kubepods-burstable-pod3f2a_….slice            (dashes nest slices, so those of the UID become underscores)
"""

from __future__ import annotations

from enum import StrEnum

from controlplane.api.qos import BEST_EFFORT, BURSTABLE

_LEVEL = {BURSTABLE: "burstable", BEST_EFFORT: "besteffort"}


class CgroupDriver(StrEnum):
    """Who makes cgroups: the runtime by itself, or systemd. Must be what containerd is configured for."""

    CGROUPFS = "cgroupfs"
    SYSTEMD = "systemd"


def pods_cgroup(driver: CgroupDriver) -> str:
    """Return the directory of the cgroup in which all pods are."""
    return "/kubepods" if driver is CgroupDriver.CGROUPFS else "/kubepods.slice"


def cgroup_parent(uid: str, qos: str, driver: CgroupDriver) -> str:
    """Return the cgroup parent of a pod's containers, in the notation its driver expects."""
    level = _LEVEL.get(qos)
    if driver is CgroupDriver.SYSTEMD:
        return "-".join(["kubepods", *([level] if level else []), f"pod{uid.replace('-', '_')}"]) + ".slice"
    return "/".join(["/kubepods", *([level] if level else []), f"pod{uid}"])


def cgroup_path(uid: str, qos: str, driver: CgroupDriver) -> str:
    """Return the directory of a pod's cgroup below each controller: a slice lies inside the slices of its prefixes."""
    parent = cgroup_parent(uid, qos, driver)
    if driver is CgroupDriver.CGROUPFS:
        return parent
    words = parent.removesuffix(".slice").split("-")
    return "/" + "/".join("-".join(words[: count + 1]) + ".slice" for count in range(len(words)))


def container_cgroup(pod_cgroup: str, container_id: str, driver: CgroupDriver) -> str:
    """Return the directory of a container's cgroup, as containerd names it."""
    name = f"cri-containerd-{container_id}.scope" if driver is CgroupDriver.SYSTEMD else container_id
    return f"{pod_cgroup}/{name}"
