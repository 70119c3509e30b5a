"""/stats/summary: the Summary API (kubelet's stats/v1alpha1), as a JSON document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from controlplane.kit.timestamps import format_time
from nodeagent.kernel.netdev import Interface
from nodeagent.metrics.usage import ContainerUsage, Usage


def summary(usage: Usage) -> dict[str, Any]:
    return {
        "node": _node(usage),
        "pods": [_pod(usage, key, members) for key, members in sorted(usage.by_pod().items())],
    }


def _node(usage: Usage) -> dict[str, Any]:
    machine, now = usage.machine, _time(usage.read_at)
    return {
        "nodeName": usage.node,
        "startTime": _time(machine.booted_at),
        "cpu": {"time": now, "usageCoreNanoSeconds": int(machine.cpu_seconds * 1e9)},
        "memory": {
            "time": now,
            "availableBytes": machine.memory_available,
            "usageBytes": machine.memory_used,
            "workingSetBytes": machine.memory_total - machine.memory_available,
        },
        "network": {"time": now, "interfaces": [_interface(one) for one in machine.interfaces]},
        "fs": {
            "time": now,
            "availableBytes": machine.disk_available,
            "capacityBytes": machine.disk_total,
            "usedBytes": machine.disk_total - machine.disk_available,
            "inodes": machine.inodes_total,
            "inodesFree": machine.inodes_free,
            "inodesUsed": machine.inodes_total - machine.inodes_free,
        },
    }


def _interface(one: Interface) -> dict[str, Any]:
    return {
        "name": one.name,
        "rxBytes": one.received,
        "rxErrors": one.received_errors,
        "txBytes": one.sent,
        "txErrors": one.sent_errors,
    }


def _network(now: str, interfaces: tuple[Interface, ...]) -> dict[str, Any]:
    """A pod's network; the Summary API's main interface is the one that the sandbox came with."""
    shown = [_interface(one) for one in interfaces]
    main = next((one for one in shown if one["name"] == "eth0"), {})
    return {"network": {"time": now, **main, "interfaces": shown}} if shown else {}


def _pod(usage: Usage, key: tuple[str, str, str], members: tuple[ContainerUsage, ...]) -> dict[str, Any]:
    namespace, name, uid = key
    now = _time(usage.read_at)
    return {
        "podRef": {"name": name, "namespace": namespace, "uid": uid},
        "startTime": _time(min(one.started_at for one in members)),
        "containers": [_container(one, now) for one in members],
        "cpu": {"time": now, "usageCoreNanoSeconds": int(sum(one.cpu_seconds for one in members) * 1e9)},
        "memory": {"time": now, "workingSetBytes": sum(one.working_set for one in members)},
        **_network(now, usage.networks.get(uid, ())),
        "ephemeral-storage": {"time": now, "usedBytes": sum(one.disk for one in members)},
    }


def _container(one: ContainerUsage, now: str) -> dict[str, Any]:
    return {
        "name": one.name,
        "startTime": _time(one.started_at),
        "cpu": {"time": now, "usageCoreNanoSeconds": int(one.cpu_seconds * 1e9)},
        "memory": {
            "time": now,
            "usageBytes": one.memory,
            "workingSetBytes": one.working_set,
            "rssBytes": one.rss,
            "pageFaults": one.page_faults,
            "majorPageFaults": one.major_page_faults,
        },
        "rootfs": {"time": now, "usedBytes": one.disk, "inodesUsed": one.inodes},
    }


def _time(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))
