"""/stats/summary: the Summary API (kubelet's stats/v1alpha1), as a JSON document. What is not known is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controlplane.kit.timestamps import format_time
from nodeagent.kernel.disk_usage import FileSystem, Taken
from nodeagent.kernel.group_usage import GroupUsage
from nodeagent.kernel.netdev import Interface
from nodeagent.metrics.files import Files
from nodeagent.metrics.usage import ContainerUsage, MachineUsage, PodPlace, Usage

_NOTHING = PodPlace("", own_network=False)


def summary(usage: Usage, files: Files) -> dict[str, Any]:
    """Return everything."""
    return {
        "node": {**_node(usage), **_node_files(usage, files)},
        "pods": [_pod(usage, key, members, files) for key, members in sorted(usage.by_pod().items())],
    }


def cpu_and_memory(usage: Usage) -> dict[str, Any]:
    """Return what `only_cpu_and_memory=true` asks for."""
    return {
        "node": _node(usage),
        "pods": [_pod(usage, key, members, None) for key, members in sorted(usage.by_pod().items())],
    }


# The node


def _node(usage: Usage) -> dict[str, Any]:
    machine, now = usage.machine, _time(usage.read_at)
    return {
        "nodeName": usage.node,
        "startTime": _time(machine.booted_at),
        "cpu": _cpu(now, machine.cores, machine.cpu_seconds),
        "memory": {
            "time": now,
            "availableBytes": max(0, machine.memory_total - machine.working_set),
            "usageBytes": machine.group.memory if machine.group.memory is not None else machine.memory_used,
            "workingSetBytes": machine.working_set,
            **_known(
                rssBytes=machine.group.rss,
                pageFaults=machine.group.page_faults,
                majorPageFaults=machine.group.major_page_faults,
            ),
        },
        "swap": {
            "time": now,
            "swapAvailableBytes": machine.swap_total - machine.swap_used,
            "swapUsageBytes": machine.swap_used,
        },
    }


def _node_files(usage: Usage, files: Files) -> dict[str, Any]:
    machine, now = usage.machine, _time(usage.read_at)
    found: dict[str, Any] = {
        "network": _network(now, machine.interfaces),
        "fs": _file_system(now, _disk(machine), None),
    }
    if usage.images is not None:
        taken = files.images or Taken(usage.images.used, usage.images.inodes_used)
        written = Taken(
            sum(one.disk for one in usage.containers), sum(one.inodes for one in usage.containers)
        )  # fmt: skip
        found["runtime"] = {
            "imageFs": _file_system(now, usage.images, taken),
            "containerFs": _file_system(now, usage.images, written),
        }
    if files.most_processes:
        found["rlimit"] = {"time": now, "maxpid": files.most_processes, "curproc": files.processes}
    return found


def _disk(machine: MachineUsage) -> FileSystem:
    return FileSystem(machine.disk_total, machine.disk_available, machine.inodes_total, machine.inodes_free)


# Pods


def _pod(
    usage: Usage, key: tuple[str, str, str], members: tuple[ContainerUsage, ...], files: Files | None
) -> dict[str, Any]:
    namespace, name, uid = key
    now, pod, place = _time(usage.read_at), usage.pod(uid, members), usage.places.get(uid, _NOTHING)
    found: dict[str, Any] = {
        "podRef": {"name": name, "namespace": namespace, "uid": uid},
        "startTime": _time(min(one.started_at for one in members)),
        "containers": [_container(usage, one, place, files) for one in members],
        "cpu": _cpu(now, pod.cores, pod.group.cpu_seconds),
        "memory": _pod_memory(now, pod.group),
        **_swap(now, pod.group),
    }
    if files is None:
        return found
    if interfaces := usage.networks.get(uid, ()):
        found["network"] = _network(now, interfaces)
    if volumes := [_volume(now, one, path, files) for one, path in sorted(place.volumes.items())]:
        found["volume"] = [one for one in volumes if one is not None]
    found["ephemeral-storage"] = _file_system(now, _disk(usage.machine), _ephemeral(members, place, files))
    if pod.group.threads is not None:
        found["process_stats"] = {"process_count": pod.group.threads}
    return found


def _pod_memory(now: str, group: GroupUsage) -> dict[str, Any]:
    limit, used = group.spec.memory_limit, group.working_set
    return {
        "time": now,
        **_known(
            availableBytes=max(0, limit - used) if limit and used is not None else None,
            usageBytes=group.memory,
            workingSetBytes=used,
            rssBytes=group.rss,
            pageFaults=group.page_faults,
            majorPageFaults=group.major_page_faults,
        ),
    }


def _volume(now: str, name: str, path: Path, files: Files) -> dict[str, Any] | None:
    found = files.directories.get(path)
    return None if found is None else {**_file_system(now, found.system, found.taken), "name": name}


def _ephemeral(members: Iterable[ContainerUsage], place: PodPlace, files: Files) -> Taken:
    """What of the node's disk goes with the pod: what containers wrote, their logs, volumes that are not in memory."""
    used, inodes = 0, 0
    for one in members:
        used, inodes = used + one.disk, inodes + one.inodes
    logs = [place.logs / one.name for one in members] if place.logs is not None else []
    for path in (*logs, *place.volumes.values()):
        found = files.directories.get(path)
        if found is not None and found.system.device != "tmpfs":
            used, inodes = used + found.taken.used, inodes + found.taken.inodes_used
    return Taken(used, inodes)


def _container(usage: Usage, one: ContainerUsage, place: PodPlace, files: Files | None) -> dict[str, Any]:
    now, limit = _time(one.read_at or usage.read_at), one.group.spec.memory_limit
    found: dict[str, Any] = {
        "name": one.name,
        "startTime": _time(one.started_at),
        "cpu": _cpu(now, one.cores, one.cpu_seconds),
        "memory": {
            "time": now,
            **_known(availableBytes=max(0, limit - one.working_set) if limit else None),
            "usageBytes": one.memory,
            "workingSetBytes": one.working_set,
            "rssBytes": one.rss,
            "pageFaults": one.page_faults,
            "majorPageFaults": one.major_page_faults,
        },
        **_swap(now, one.group),
    }
    if files is None:
        return found
    found["rootfs"] = _file_system(now, usage.images, Taken(one.disk, one.inodes))
    logs = files.directories.get(place.logs / one.name) if place.logs is not None else None
    if logs is not None:
        found["logs"] = _file_system(now, logs.system, logs.taken)
    return found


# What they share


def _cpu(now: str, cores: float | None, seconds: float | None) -> dict[str, Any]:
    return {
        "time": now,
        **_known(
            usageNanoCores=None if cores is None else int(cores * 1e9),
            usageCoreNanoSeconds=None if seconds is None else int(seconds * 1e9),
        ),
    }


def _swap(now: str, group: GroupUsage) -> dict[str, Any]:
    return {"swap": {"time": now, "swapUsageBytes": group.swap}} if group.swap is not None else {}


def _file_system(now: str, system: FileSystem | None, taken: Taken | None) -> dict[str, Any]:
    """A file system, and what somebody takes of it: all that is used of it without `taken`."""
    whole = {} if system is None else {"availableBytes": system.available, "capacityBytes": system.capacity}
    inodes = {} if system is None else {"inodesFree": system.inodes_free, "inodes": system.inodes}
    if taken is None and system is not None:
        taken = Taken(system.used, system.inodes_used)
    used = {} if taken is None else {"usedBytes": taken.used, "inodesUsed": taken.inodes_used}
    return {"time": now, **whole, **inodes, **used}


def _interface(one: Interface) -> dict[str, Any]:
    return {
        "name": one.name,
        "rxBytes": one.received,
        "rxErrors": one.received_errors,
        "txBytes": one.sent,
        "txErrors": one.sent_errors,
    }


def _network(now: str, interfaces: tuple[Interface, ...]) -> dict[str, Any]:
    """A network; the Summary API's main interface of a pod is the one that the sandbox came with."""
    shown = [_interface(one) for one in interfaces]
    main = next((one for one in shown if one["name"] == "eth0"), {})
    return {"time": now, **main, "interfaces": shown}


def _known(**values: int | None) -> Mapping[str, int]:
    return {name: value for name, value in values.items() if value is not None}


def _time(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))
