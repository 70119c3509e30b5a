"""The downward API: a pod's own fields and resources, as text for a file or a variable.

field(pod, "metadata.labels['app']") == "web"      resource(container, "limits.memory", "1Mi", {}) == "64"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

from controlplane.api import quantity
from controlplane.api.base import Quantity
from controlplane.api.core_v1 import (
    Container,
    DownwardAPIVolumeFile,
    DownwardAPIVolumeSource,
    Pod,
    ResourceRequirements,
)
from nodeagent.volumes import written
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job
from nodeagent.volumes.payload import File, Payload, checked, mode_of

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class UnknownField(Exception):
    """A field path that the downward API does not offer."""


def field(pod: Pod, path: str, *, pod_ips: Iterable[str] = (), host_ips: Iterable[str] = ()) -> str:
    """Return a field of the pod as text. Raises UnknownField."""
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript:
        values = pod.metadata.labels if subscript[1] == "labels" else pod.metadata.annotations
        return values.get(subscript[2], "")
    found = _plain(pod, path)
    if found is None:
        found = _address(path, list(pod_ips), list(host_ips))
    if found is None:
        raise UnknownField(f"unsupported fieldPath: {path}")
    return found


def _plain(pod: Pod, path: str) -> str | None:
    match path:
        case "metadata.name":
            return pod.metadata.name
        case "metadata.namespace":
            return pod.metadata.namespace
        case "metadata.uid":
            return pod.metadata.uid
        case "metadata.labels":
            return _lines(pod.metadata.labels)
        case "metadata.annotations":
            return _lines(pod.metadata.annotations)
        case "spec.nodeName":
            return pod.spec.node_name
        case "spec.serviceAccountName":
            return pod.spec.service_account_name
    return None


def _address(path: str, pod_ips: list[str], host_ips: list[str]) -> str | None:
    match path:
        case "status.podIP":
            return pod_ips[0] if pod_ips else ""
        case "status.podIPs":
            return ",".join(pod_ips)
        case "status.hostIP":
            return host_ips[0] if host_ips else ""
        case "status.hostIPs":
            return ",".join(host_ips)
    return None


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items()))


def resource(container: Container, name: str, divisor: Quantity | None, allocatable: Mapping[str, Quantity]) -> str:
    """Return `limits.cpu`, `requests.memory` and the like in units of `divisor`, rounded up.

    A container without a limit may take what the node can allocate, so that is its limit.
    """
    which, _, kind = name.partition(".")
    resources = container.resources or ResourceRequirements()
    amount: Quantity = 0
    if which == "limits":
        amount = resources.limits.get(kind, allocatable.get(kind, 0))
    elif which == "requests":
        amount = resources.requests.get(kind, resources.limits.get(kind, 0))
    else:
        raise UnknownField(f"unsupported container resource: {name}")
    unit = divisor if divisor is not None and quantity.parse(divisor) else 1
    share = Fraction(quantity.amount(amount).nanos, quantity.amount(unit).nanos)
    return str(-(-share.numerator // share.denominator))


def set_up(job: Job) -> Path:
    """Write the volume. Raises VolumeFailed, OSError."""
    source: DownwardAPIVolumeSource = job.source
    return written.write(job, payload(job.pod, source.items, mode_of(source.default_mode), job.allocatable))


def payload(
    pod: Pod, items: Iterable[DownwardAPIVolumeFile], default_mode: int, allocatable: Mapping[str, Quantity]
) -> Payload:
    """Return the files of a downward API volume. Raises VolumeFailed."""
    files = {}
    for item in items:
        try:
            text = _item(pod, item, allocatable)
        except UnknownField as error:
            raise VolumeFailed(str(error)) from error
        files[checked(item.path)] = File(text.encode(), default_mode if item.mode is None else item.mode)
    return files


def _item(pod: Pod, item: DownwardAPIVolumeFile, allocatable: Mapping[str, Quantity]) -> str:
    if item.field_ref is not None:
        return field(pod, item.field_ref.field_path)
    if item.resource_field_ref is None:
        raise UnknownField(f"{item.path} has neither fieldRef nor resourceFieldRef")
    wanted = item.resource_field_ref
    for container in [*pod.spec.containers, *pod.spec.init_containers]:
        if container.name == wanted.container_name:
            return resource(container, wanted.resource, wanted.divisor, allocatable)
    raise UnknownField(f"container {wanted.container_name} not found")
